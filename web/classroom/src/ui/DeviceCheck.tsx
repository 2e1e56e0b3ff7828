// Before the class: does everybody see and hear me?

import { useEffect, useRef, useState } from 'react';
import { chime, meter } from '../media/level';
import { useClass, useDevices } from './context';
import { Icon } from './icons';
import { Avatar, Button } from './parts';
import { Video } from './Video';

export function DeviceCheck({ onEnter }: { readonly onEnter: () => void }) {
  const { classroom, t } = useClass();
  const { options, devices } = classroom;
  const { tracks, problems } = useDevices();
  const [wanted, setWanted] = useState({ camera: true, microphone: true });
  useEffect(() => {
    for (const kind of ['camera', 'microphone'] as const) {
      if (wanted[kind]) void devices.open(kind);
      else devices.close(kind);
    }
  }, [devices, wanted]);
  const toggle = (kind: 'camera' | 'microphone'): void => setWanted({ ...wanted, [kind]: !wanted[kind] });
  const enter = (): void => {
    for (const kind of ['camera', 'microphone'] as const) classroom.want(kind, wanted[kind] && !problems[kind]);
    onEnter();
  };
  return (
    <main className="sc-check" data-page="check">
      <div className="sc-check__preview" data-camera={tracks.camera ? 'on' : 'off'}>
        {tracks.camera ? (
          <Video track={tracks.camera} mirrored label={t('check.camera')} />
        ) : (
          <div className="sc-check__off">
            <Avatar name={options.userName} id={options.userUuid} />
            <p>{wanted.camera && !problems.camera ? t('check.opening') : t('check.cameraOff')}</p>
          </div>
        )}
        <div className="sc-check__switches">
          <button type="button" className={`sc-round ${wanted.microphone ? '' : 'sc-round--off'}`} aria-label={t(wanted.microphone ? 'check.turnOffMicrophone' : 'check.turnOnMicrophone')} onClick={() => toggle('microphone')}>
            <Icon name={wanted.microphone ? 'mic' : 'micOff'} size={22} />
          </button>
          <button type="button" className={`sc-round ${wanted.camera ? '' : 'sc-round--off'}`} aria-label={t(wanted.camera ? 'check.turnOffCamera' : 'check.turnOnCamera')} onClick={() => toggle('camera')}>
            <Icon name={wanted.camera ? 'camera' : 'cameraOff'} size={22} />
          </button>
        </div>
      </div>
      <div className="sc-check__side">
        <p className="sc-eyebrow">{options.roomName}</p>
        <h1>{t('check.title')}</h1>
        <p className="sc-lead">{t('check.lead')}</p>
        <DeviceFields />
        <Button kind="primary" className="sc-button--large" onClick={enter}>
          {t('check.enter')}
        </Button>
      </div>
    </main>
  );
}

/** Choosing devices, also in the settings. */
export function DeviceFields() {
  const { classroom, t } = useClass();
  const { devices } = classroom;
  const { tracks, problems, list, chosen } = useDevices();
  return (
    <div className="sc-form">
      {(['camera', 'microphone', 'speaker'] as const).map((kind) => {
        const problem = kind === 'speaker' ? undefined : problems[kind];
        const known = list[kind].filter(({ deviceId }) => deviceId !== '');
        return (
          <div key={kind} className="sc-field">
            <label>
              <span>{t(`check.${kind}`)}</span>
              <span className="sc-select">
                <select value={chosen[kind]} disabled={known.length === 0} onChange={(event) => void devices.choose(kind, event.target.value)}>
                  {!known.some(({ deviceId }) => deviceId === chosen[kind]) && <option value={chosen[kind]}>{t(list[kind].length === 0 ? 'check.none' : 'check.default')}</option>}
                  {known.map(({ deviceId, label }, index) => (
                    <option key={deviceId} value={deviceId}>
                      {label || t('check.deviceName', { kind: t(`check.${kind}`), n: index + 1 })}
                    </option>
                  ))}
                </select>
              </span>
            </label>
            {kind === 'microphone' && <Meter track={tracks.microphone} />}
            {kind === 'speaker' && (
              <Button kind="quiet" icon="sound" className="sc-button--small" onClick={() => void chime(chosen.speaker)}>
                {t('check.test')}
              </Button>
            )}
            {kind !== 'speaker' && problem && (
              <p className="sc-problem" role="alert">
                {t(`device.${problem}`, { kind: t(`device.${kind}`) })}{' '}
                <button type="button" className="sc-link" onClick={() => void devices.open(kind)}>
                  {t('action.again')}
                </button>
              </p>
            )}
          </div>
        );
      })}
    </div>
  );
}

function Meter({ track }: { readonly track: MediaStreamTrack | null }) {
  const { t } = useClass();
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const bar = ref.current;
    if (!track || !bar) return;
    const stop = meter(track, (level) => bar.style.setProperty('--level', level.toFixed(2)));
    return () => {
      stop();
      bar.style.setProperty('--level', '0');
    };
  }, [track]);
  return (
    <>
      <span className="sc-meter" role="img" aria-label={t('check.level')}>
        <i ref={ref} />
      </span>
      <small className="sc-muted">{t('check.levelHint')}</small>
    </>
  );
}

