// How the connection is, and for those who teach how the streams of all are.

import { useEffect } from 'react';
import { teaches } from '../core/types';
import { useClass, useMedia, useRoom } from './context';
import { Dialog } from './parts';

const ASK_MS = 3000;

export function Network({ onClose }: { readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const { quality, stats } = useMedia();
  useEffect(() => {
    classroom.media.askStats();
    const timer = setInterval(() => classroom.media.askStats(), ASK_MS);
    return () => clearInterval(timer);
  }, [classroom]);
  const percent = (share: number): string => t('net.percent', { n: Math.round(share * 1000) / 10 });
  const kbit = (bits: number): string => t('net.kbit', { n: Math.round(bits / 1000) });
  const streams = Object.entries(stats).flatMap(([id, { audio, video, rttMs }]) =>
    (['audio', 'video'] as const).flatMap((kind) => {
      const one = { audio, video }[kind];
      return one ? [{ id, kind, one, rttMs }] : [];
    }),
  );
  const who = (id: string): string => {
    const stream = room.streams.get(id);
    const name = room.users.get(stream?.owner ?? '')?.name ?? id;
    return stream?.kind === 'screen' ? t('tile.screenOf', { name }) : name;
  };
  return (
    <Dialog title={t('net.label')} onClose={onClose} wide={streams.length > 0} kind="network">
      <dl className="sc-figures">
        <div>
          <dt>{t('net.delay')}</dt>
          <dd>{quality.rttMs === undefined ? '–' : t('net.ms', { n: Math.round(quality.rttMs) })}</dd>
        </div>
        <div>
          <dt>{t('net.lossDown')}</dt>
          <dd>{percent(quality.lossDown)}</dd>
        </div>
        <div>
          <dt>{t('net.lossUp')}</dt>
          <dd>{percent(quality.lossUp)}</dd>
        </div>
        <div>
          <dt>{t('net.down')}</dt>
          <dd>{kbit(quality.bitrateDown)}</dd>
        </div>
        <div>
          <dt>{t('net.up')}</dt>
          <dd>{kbit(quality.bitrateUp)}</dd>
        </div>
      </dl>
      {teaches(room.me.role) && (
        <>
          <h3 className="sc-subhead">{t('net.streams')}</h3>
          {streams.length === 0 ? (
            <p className="sc-muted">{t('net.streams.none')}</p>
          ) : (
            <div className="sc-tablebox" tabIndex={0} role="group" aria-label={t('net.streams')}>
              <table>
                <thead>
                  <tr>
                    {(['net.who', 'net.kind', 'net.rate', 'net.lost.short', 'net.jitter', 'net.delay', 'net.watchers'] as const).map((key) => (
                      <th key={key} scope="col">
                        {t(key)}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {streams.map(({ id, kind, one, rttMs }) => (
                    <tr key={`${id} ${kind}`}>
                      <th scope="row">{who(id)}</th>
                      <td>{t(kind === 'audio' ? 'net.sound' : 'net.picture')}</td>
                      <td>{kbit(one.bitrate)}</td>
                      <td>{percent(one.lost / Math.max(1, one.packets + one.lost))}</td>
                      <td>{t('net.ms', { n: Math.round(one.jitterMs) })}</td>
                      <td>{rttMs === null ? '–' : t('net.ms', { n: Math.round(rttMs) })}</td>
                      <td>{one.watchers}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </>
      )}
    </Dialog>
  );
}
