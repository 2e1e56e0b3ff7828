// How good the network is, from what the browser counts.

export type Grade = 'unknown' | 'good' | 'weak' | 'bad';

export interface Quality {
  readonly grade: Grade;
  /** There and back, in milliseconds. */
  readonly rttMs: number | undefined;
  /** Shares of packets that did not arrive, 0 to 1. */
  readonly lossUp: number;
  readonly lossDown: number;
  /** Bits in a second. */
  readonly bitrateUp: number;
  readonly bitrateDown: number;
}

export const UNKNOWN: Quality = { grade: 'unknown', rttMs: undefined, lossUp: 0, lossDown: 0, bitrateUp: 0, bitrateDown: 0 };

/** What is read from a report; sums since the connection began. */
export interface Counts {
  readonly at: number;
  readonly received: number;
  readonly lost: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly lossUp: number;
  readonly rttMs: number | undefined;
}

type Stat = Readonly<Record<string, unknown>>;
const number = (stat: Stat, name: string): number => (typeof stat[name] === 'number' ? (stat[name] as number) : 0);

export function countsOf(report: Iterable<Stat>, at: number): Counts {
  let [received, lost, bytesIn, bytesOut, lossUp] = [0, 0, 0, 0, 0];
  let rttMs: number | undefined;
  for (const stat of report) {
    if (stat['type'] === 'inbound-rtp') {
      received += number(stat, 'packetsReceived');
      lost += Math.max(0, number(stat, 'packetsLost'));
      bytesIn += number(stat, 'bytesReceived');
    } else if (stat['type'] === 'outbound-rtp') {
      bytesOut += number(stat, 'bytesSent');
    } else if (stat['type'] === 'remote-inbound-rtp') {
      lossUp = Math.max(lossUp, number(stat, 'fractionLost'));
    } else if (stat['type'] === 'candidate-pair' && stat['nominated'] === true && typeof stat['currentRoundTripTime'] === 'number') {
      rttMs = stat['currentRoundTripTime'] * 1000;
    }
  }
  return { at, received, lost, bytesIn, bytesOut, lossUp, rttMs };
}

export function qualityOf(before: Counts | undefined, now: Counts): Quality {
  const seconds = before ? Math.max(0.001, (now.at - before.at) / 1000) : 0;
  const since = (name: 'received' | 'lost' | 'bytesIn' | 'bytesOut'): number => Math.max(0, now[name] - (before?.[name] ?? 0));
  const [received, lost] = [since('received'), since('lost')];
  const lossDown = received + lost > 0 ? lost / (received + lost) : 0;
  const rate = (bytes: number): number => (seconds > 0 ? (8 * bytes) / seconds : 0);
  const { rttMs, lossUp } = now;
  const quality = { rttMs, lossUp, lossDown, bitrateUp: rate(since('bytesOut')), bitrateDown: rate(since('bytesIn')) };
  const loss = Math.max(lossUp, lossDown);
  if (rttMs === undefined && received === 0) return { ...quality, grade: 'unknown' };
  const grade = loss > 0.1 || (rttMs ?? 0) > 500 ? 'bad' : loss > 0.03 || (rttMs ?? 0) > 250 ? 'weak' : 'good';
  return { ...quality, grade };
}
