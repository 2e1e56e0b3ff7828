// The way into the room of a group and out of it, while the room of the class stays open.

import type { ClassSession } from './session';

export interface VisitState {
  readonly id: string;
  readonly name: string;
  readonly phase: 'joining' | 'in' | 'failed';
}

/** The room of a group may be told a moment later than the class that somebody is in it. */
const RETRY_MS = [400, 1000, 2000, 4000];

export class GroupVisit {
  readonly #make: (group: { readonly id: string; readonly name: string }) => ClassSession;
  readonly #changed: () => void;
  #state: VisitState | undefined;
  #session: ClassSession | undefined;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `make` makes the session of a group, which is not in yet. */
  constructor(make: (group: { readonly id: string; readonly name: string }) => ClassSession, changed: () => void) {
    this.#make = make;
    this.#changed = changed;
  }

  get state(): VisitState | undefined {
    return this.#state;
  }

  /** The session in the group, when it has come in. */
  get session(): ClassSession | undefined {
    return this.#state?.phase === 'in' ? this.#session : undefined;
  }

  /** Goes into this group, or with nothing back. */
  go(group: { readonly id: string; readonly name: string } | undefined): void {
    if (group?.id === this.#state?.id) {
      if (group && this.#state && group.name !== this.#state.name) this.#state = { ...this.#state, name: group.name };
      return;
    }
    this.#drop();
    this.#state = group && { ...group, phase: 'joining' };
    this.#attempt = 0;
    if (group) this.#enter(group);
    this.#changed();
  }

  /** Tries once more what has failed. */
  again(): void {
    const group = this.#state;
    if (group?.phase !== 'failed') return;
    this.#attempt = 0;
    this.#state = { ...group, phase: 'joining' };
    this.#enter(group);
    this.#changed();
  }

  #enter(group: { readonly id: string; readonly name: string }): void {
    const session = this.#make(group);
    this.#session = session;
    session.subscribe(() => {
      if (this.#session !== session || !this.#state) return;
      const { phase } = session.snapshot();
      if (phase === 'in') {
        this.#attempt = 0;
        this.#state = { ...this.#state, phase: 'in' };
      } else if (phase === 'over' || phase === 'failed') this.#lost(session);
      this.#changed();
    });
    void session.join();
  }

  /** As long as the class says that one is in the group, it is tried again. */
  #lost(session: ClassSession): void {
    const group = this.#state;
    if (!group || this.#session !== session) return;
    this.#session = undefined;
    const wait = RETRY_MS[this.#attempt];
    this.#attempt += 1;
    this.#state = { ...group, phase: wait === undefined ? 'failed' : 'joining' };
    if (wait !== undefined) this.#timer = setTimeout(() => this.#enter(group), wait);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const session = this.#session;
    this.#session = undefined;
    session?.leave();
  }
}
