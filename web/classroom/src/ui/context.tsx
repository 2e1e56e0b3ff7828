// What every part of the page uses: the class, the language, the colours.

import { createContext, useContext, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Classroom } from '../core/classroom';
import { enabled, type Language, type UiMode } from '../core/options';
import type { Room } from '../core/types';
import { translator, type Translate } from '../locales';
import type { MediaState } from '../media/client';
import type { DeviceState } from '../media/devices';

interface Shared {
  readonly classroom: Classroom;
  readonly t: Translate;
  readonly language: Language;
  readonly setLanguage: (language: Language) => void;
  readonly theme: UiMode;
  readonly setTheme: (theme: UiMode) => void;
}

const Context = createContext<Shared | undefined>(undefined);

export function ClassProvider({ classroom, children }: { readonly classroom: Classroom; readonly children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(classroom.options.language);
  const [theme, setTheme] = useState<UiMode>(classroom.options.uiMode);
  return (
    <Context.Provider value={{ classroom, t: translator(language), language, setLanguage, theme, setTheme }}>
      <div className="sc-root" data-theme={theme} lang={language === 'zh' ? 'zh-Hans' : 'en'}>
        {children}
      </div>
    </Context.Provider>
  );
}

export function useClass(): Shared {
  const shared = useContext(Context);
  if (!shared) throw new Error('outside of a class');
  return shared;
}

/** The class, drawn again with whatever changes in it. */
export function useClassroom(): Classroom {
  const { classroom } = useClass();
  useSyncExternalStore(classroom.subscribe, classroom.version);
  return classroom;
}

const RoomContext = createContext<Room | undefined>(undefined);
export const RoomProvider = RoomContext.Provider;

export function useRoom(): Room {
  const room = useContext(RoomContext);
  if (!room) throw new Error('outside of a room');
  return room;
}

const MainContext = createContext<Room | undefined>(undefined);
export const MainProvider = MainContext.Provider;

/** The room of the class, also while that of a group is shown. */
export function useMain(): Room {
  const room = useContext(MainContext);
  if (!room) throw new Error('outside of a room');
  return room;
}

export function useMedia(): MediaState {
  const { media } = useClass().classroom;
  return useSyncExternalStore(media.subscribe, media.snapshot);
}

export function useDevices(): DeviceState {
  const { devices } = useClass().classroom;
  return useSyncExternalStore(devices.subscribe, devices.snapshot);
}

/** The server's time, twice a second. */
export function useNow(): number {
  const { classroom } = useClass();
  const [now, setNow] = useState(classroom.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(classroom.now()), 500);
    return () => clearInterval(timer);
  }, [classroom]);
  return now;
}

/** Whether the app shows this part of the page. */
export function useEnabled(): (path: string) => boolean {
  const { uiConfig } = useClass().classroom;
  return (path) => enabled(uiConfig, path);
}

export function useMatches(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const tell = (): void => setMatches(list.matches);
    list.addEventListener('change', tell);
    tell();
    return () => list.removeEventListener('change', tell);
  }, [query]);
  return matches;
}

export const PHONE = '(max-width: 760px)';
/** Screens on which the stage, a tool and the panel do not all find room. */
export const SMALL = '(max-width: 760px), (max-height: 520px)';
