// Why something was refused, in words of the program; people's words are in the dictionaries.

/** A call that was not carried out. Without a status there was no answer. */
export class ClassError extends Error {
  readonly status: number | undefined;
  /** The number `SSHHHDDD` of the answer, or its HTTP status. */
  readonly code: number;

  constructor(status: number | undefined, code: number, message: string) {
    super(message);
    this.name = 'ClassError';
    this.status = status;
    this.code = code;
  }
}

export const CODES = {
  roleFull: 20403001,
  roomFull: 20403002,
  banned: 30403100,
  muted: 30403200,
  notAllowed: 30403000,
  region: 30403900,
  noRoom: 20404100,
  noUser: 20404200,
  notAccepted: 30404462,
  conflict: 20409000,
  started: 30409100,
  ended: 30409101,
  roomOver: 30410100,
  stageFull: 30429461,
  handUp: 30409460,
  beingInvited: 30409601,
} as const;

/** Why a class could not be joined. */
export type JoinProblem = 'roleFull' | 'roomFull' | 'token' | 'noRoom' | 'over' | 'banned' | 'region' | 'notAllowed' | 'away' | 'failed';

export function joinProblem(error: unknown): JoinProblem {
  if (!(error instanceof ClassError)) return 'failed';
  if (error.status === undefined || error.status >= 500 || error.status === 429) return 'away';
  switch (error.code) {
    case CODES.roleFull:
      return 'roleFull';
    case CODES.roomFull:
      return 'roomFull';
    case CODES.roomOver:
      return 'over';
    case CODES.noRoom:
      return 'noRoom';
    case CODES.banned:
      return 'banned';
    case CODES.region:
      return 'region';
    case CODES.notAllowed:
      return 'notAllowed';
    default:
      return error.status === 401 ? 'token' : 'failed';
  }
}

/** The codes that the vendor's client shows people. */
export const SHOWN_CODES: Record<JoinProblem, string> = {
  roleFull: '600101',
  roomFull: '600102',
  token: '600103',
  noRoom: '600104',
  over: '600105',
  banned: '600106',
  region: '600001',
  notAllowed: '600001',
  away: '600001',
  failed: '600001',
};

/** The word for a refused act, for a notice. */
export type ActProblem = 'stageFull' | 'notAllowed' | 'gone' | 'already' | 'muted' | 'busy' | 'away' | 'tooMany' | 'failed';

export function actProblem(error: unknown): ActProblem {
  if (!(error instanceof ClassError)) return 'failed';
  if (error.status === undefined || error.status >= 500) return 'away';
  switch (error.code) {
    case CODES.stageFull:
      return 'stageFull';
    case CODES.muted:
      return 'muted';
    case CODES.noUser:
    case CODES.notAccepted:
      return 'gone';
    case CODES.beingInvited:
      return 'busy';
    case CODES.conflict:
    case CODES.started:
    case CODES.ended:
    case CODES.handUp:
      return 'already';
    default:
      if (error.status === 429) return 'tooMany';
      return error.status === 403 ? 'notAllowed' : 'failed';
  }
}
