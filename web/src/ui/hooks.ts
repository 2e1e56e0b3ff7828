import { useEffect, useState, useSyncExternalStore } from 'react';
import type { Person, PersonState } from '../person';

export function usePerson(person: Person): PersonState {
  return useSyncExternalStore(person.subscribe, person.snapshot);
}

/** Whether the media query holds. */
export function useMedia(query: string): boolean {
  const subscribe = (changed: () => void) => {
    const list = window.matchMedia(query);
    list.addEventListener('change', changed);
    return () => list.removeEventListener('change', changed);
  };
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** Whether the page itself can be seen. */
export function usePageVisible(): boolean {
  const subscribe = (changed: () => void) => {
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  };
  return useSyncExternalStore(subscribe, () => document.visibilityState === 'visible');
}

/** The time, each second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}
