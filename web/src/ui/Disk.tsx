// What lies on disk of the chosen message: the bytes of its record, and the key that sealed it.

import { Fragment, useEffect, useId, useMemo, useState } from 'react';
import { ApiError, record as fetchRecord, type DiskRecord } from '../api';
import { bytes, lengths, rows, type Part } from '../logic/record';
import { useMedia } from './hooks';

const NAMES: Record<Part, string> = { version: 'version', key: 'key id', nonce: 'nonce', ciphertext: 'ciphertext', tag: 'tag' };
const PARTS: readonly Part[] = ['version', 'key', 'nonce', 'ciphertext', 'tag'];

/** Bytes in a row, as many as fit without scrolling sideways. */
function useRowWidth(): number {
  const [beneath, wide, widest] = [useMedia('(min-width: 720px) and (max-width: 1119px)'), useMedia('(min-width: 1360px)'), useMedia('(min-width: 1720px)')];
  return beneath || widest ? 16 : wide ? 12 : 8;
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'long' });

interface Props {
  readonly id: string | undefined;
  /** The message in words. */
  readonly text: string | undefined;
  readonly from: string | undefined;
}

type Found = { readonly id: string } & ({ readonly record: DiskRecord } | { readonly problem: string });

export function Disk({ id, text, from }: Props) {
  const heading = useId();
  const found = useRecord(id);
  return (
    <section className="disk" aria-labelledby={heading}>
      <header className="pane-head">
        <div className="who">
          <h2 id={heading}>On disk</h2>
          <p>{text === undefined ? 'What the server keeps of a message' : <>What the server keeps of {from}’s “<span className="quoted">{text}</span>”</>}</p>
        </div>
      </header>
      <div className="disk-body" tabIndex={0} role="region" aria-label="The record and its key">
        {id === undefined && <p className="empty">Send a message, and look at the bytes that are stored of it.</p>}
        {id !== undefined && found === undefined && <p className="empty">Reading the record…</p>}
        {found && 'problem' in found && <p className="empty">{found.problem}</p>}
        {found && 'record' in found && <Details record={found.record} />}
      </div>
    </section>
  );
}

function useRecord(id: string | undefined): Found | undefined {
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    if (id === undefined) return undefined;
    let current = true;
    fetchRecord(id).then(
      (record) => current && setFound({ id, record }),
      (error: unknown) => current && setFound({ id, problem: `The record cannot be shown: ${error instanceof ApiError ? error.message : String(error)}.` }),
    );
    return () => {
      current = false;
    };
  }, [id]);
  return found?.id === id ? found : undefined;
}

function Details({ record }: { readonly record: DiskRecord }) {
  const { key } = record;
  return (
    <>
      <RecordBytes record={record} />
      <h3>The key that sealed it</h3>
      {key ? (
        <dl>
          <Row name="Key">No. {record.keyId} in the vault, made {moment.format(key.madeAt)}</Row>
          <Row name="Seals">{key.class ?? 'a class of data that this page does not know'} of app {key.app}, stored on {key.bucket}</Row>
          <Row name="Readable until">{day.format(record.keptUntil)}</Row>
        </dl>
      ) : (
        <p>It was destroyed. Nobody can open this record any more, here or in any copy.</p>
      )}
      <h3>What it is stored under</h3>
      <dl data-testid="stored-key" data-bytes={record.storedKey.bytes}>
        {record.storedKey.parts.map(({ name, bytes: hex, blinded }) => (
          <Row key={name} name={name}>
            <code>{hex}</code> {name === 'space' && record.storedKey.space !== null && `(${record.storedKey.space})`}
            {blinded && '(blinded: the names cannot be read from it)'}
          </Row>
        ))}
      </dl>
    </>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function RecordBytes({ record }: { readonly record: DiskRecord }) {
  const width = useRowWidth();
  const dump = useMemo(() => rows(bytes(record.record), width), [record.record, width]);
  const long = lengths(record.length);
  return (
    <figure>
      <figcaption>
        <h3>The record, {record.length} bytes</h3>
        <p>AES-256-GCM. These bytes are what lies in the store.</p>
      </figcaption>
      <pre className="hex" data-testid="record" data-bytes={record.record} aria-label={`The record in hexadecimal digits, ${record.length} bytes`} role="img">
        {dump.map(({ offset, runs }) => (
          <Fragment key={offset}>
            <span className="offset">{offset} </span>
            {runs.map((run) => (
              <span key={run.part} className={`part-${run.part}`}>
                {` ${run.text}`}
              </span>
            ))}
            {'\n'}
          </Fragment>
        ))}
      </pre>
      <ul className="legend">
        {PARTS.map((part) => (
          <li key={part} className={`part-${part}`}>
            <span className="swatch" aria-hidden="true" />
            {NAMES[part]}
            {part === 'version' ? ` ${record.version}` : ''}
            {part === 'key' ? ` ${record.keyId}` : ''}, {long[part]} {long[part] === 1 ? 'byte' : 'bytes'}
          </li>
        ))}
      </ul>
    </figure>
  );
}
