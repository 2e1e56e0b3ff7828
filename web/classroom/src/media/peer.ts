// One peer connection: its sending and receiving m-lines. The client alone makes offers.

import type { Kind, Source } from './messages';

/** How the camera is encoded, as options say it. */
export interface Encoding {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** kbit/s. */
  readonly bitrate: number;
}

/** Codecs of pictures that can be asked for. */
export type Codec = 'vp8' | 'vp9' | 'h264';

export interface Encodings {
  readonly camera: Encoding;
  readonly low: Encoding;
  readonly screen: Encoding;
  /** What is sent where both sides have it. */
  readonly codec?: Codec | undefined;
}

export const USUAL: Encodings = {
  camera: { width: 640, height: 480, frameRate: 15, bitrate: 800 },
  low: { width: 320, height: 240, frameRate: 15, bitrate: 200 },
  screen: { width: 1920, height: 1080, frameRate: 15, bitrate: 2500 },
};

/** Slots are added so many at a time, that newcomers seldom need a further offer. */
const STEP: Readonly<Record<Kind, number>> = { audio: 4, video: 4 };
const FIRST: Readonly<Record<Kind, number>> = { audio: 3, video: 3 };

/** Codecs that are offered, each in one form only: an offer names them for every slot, and is said in one message. */
const USED = [/^audio\/opus$/i, /^video\/rtx$/i, /^video\/vp8$/i, /^video\/vp9 .*profile-id=0/i, /^video\/h264 .*packetization-mode=1;profile-level-id=42e01f/i, /^video\/av1 .*profile=0/i];
/** What is sent: in this order, the first that both sides have. */
const SENT = [/^audio\/opus$/i, /^video\/vp8$/i, /^video\/h264/i, /^video\/rtx$/i];

export class Peer {
  readonly connection: RTCPeerConnection;
  readonly #encodings: Encodings;
  readonly #sending = new Map<Source, RTCRtpTransceiver>();
  #delayMs = 0;
  readonly #receiving: { readonly kind: Kind; readonly transceiver: RTCRtpTransceiver }[] = [];

  constructor(connection: RTCPeerConnection, encodings: Encodings, sources: readonly Source[]) {
    this.connection = connection;
    this.#encodings = encodings;
    for (const source of sources) this.#add(source);
    for (const kind of ['audio', 'video'] as const) this.grow(kind, FIRST[kind]);
  }

  /** Whether there is an m-line for this source. */
  sends(source: Source): boolean {
    return this.#sending.has(source);
  }

  /** Adds an m-line for a source; it takes an offer until it is there. */
  #add(source: Source): void {
    const { camera, low, screen, codec } = this.#encodings;
    const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio';
    const scale = Math.max(1, camera.height / low.height);
    // Without it a browser makes one stream of layers of VP9, not two streams.
    const layered = codec === 'vp9' ? { scalabilityMode: 'L1T1' } : {};
    const sendEncodings: RTCRtpEncodingParameters[] =
      source === 'camera'
        ? [
            { rid: 'l', ...layered, scaleResolutionDownBy: scale, maxBitrate: low.bitrate * 1000, maxFramerate: low.frameRate },
            { rid: 'h', ...layered, scaleResolutionDownBy: 1, maxBitrate: camera.bitrate * 1000, maxFramerate: camera.frameRate },
          ]
        : source === 'screen'
          ? [{ maxBitrate: screen.bitrate * 1000, maxFramerate: screen.frameRate }]
          : [];
    const transceiver = this.connection.addTransceiver(kind, { direction: 'sendonly', ...(sendEncodings.length > 0 ? { sendEncodings } : {}) });
    prefer(transceiver, kind, true, codec);
    this.#sending.set(source, transceiver);
  }

  /** Sends a track, or nothing. True when that takes an offer. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<boolean> {
    const isNew = !this.sends(source);
    if (isNew && !track) return false;
    if (isNew) this.#add(source);
    const sender = this.#sending.get(source)?.sender;
    if (sender && sender.track !== track) await sender.replaceTrack(track);
    return isNew;
  }

  /** Adds receiving slots of a kind. */
  grow(kind: Kind, by = STEP[kind]): void {
    for (let count = 0; count < by; count += 1) {
      const transceiver = this.connection.addTransceiver(kind, { direction: 'recvonly' });
      prefer(transceiver, kind, false);
      hold(transceiver.receiver, this.#delayMs);
      this.#receiving.push({ kind, transceiver });
    }
  }

  /** What comes is held back for so long, so that it is steady; 0: as the browser does it. */
  delay(ms: number): void {
    this.#delayMs = ms;
    for (const { transceiver } of this.#receiving) hold(transceiver.receiver, ms);
  }

  /** The receiving slots that have been offered. */
  slots(): readonly { readonly mid: string; readonly kind: Kind; readonly receiver: RTCRtpReceiver }[] {
    return this.#receiving.flatMap(({ kind, transceiver: { mid, receiver } }) => (mid === null ? [] : [{ mid, kind, receiver }]));
  }

  /** How many slots of a kind there are or will be with the next answer. */
  count(kind: Kind): number {
    return this.#receiving.filter((slot) => slot.kind === kind).length;
  }

  /** Which m-line sends what. */
  tracks(): Record<string, Source> {
    const pairs = [...this.#sending].flatMap(([source, { mid }]) => (mid === null ? [] : [[mid, source] as const]));
    return Object.fromEntries(pairs);
  }

  close(): void {
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }
}

/** By either name that browsers have for it. */
function hold(receiver: RTCRtpReceiver, ms: number): void {
  const known = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null; playoutDelayHint?: number | null };
  if ('jitterBufferTarget' in known) known.jitterBufferTarget = ms > 0 ? ms : null;
  else if ('playoutDelayHint' in known) (known as { playoutDelayHint: number | null }).playoutDelayHint = ms > 0 ? ms / 1000 : null;
}

type Known = Pick<RTCRtpCodec, 'mimeType' | 'sdpFmtpLine'>;

/** Which of the codecs that a browser knows are offered. One that is `wanted` is sent alone: the answer has an order of its own. */
export function offered<T extends Known>(known: readonly T[], sends: boolean, wanted?: Codec): readonly T[] {
  const is = ({ mimeType }: T): boolean => wanted !== undefined && mimeType.toLowerCase() === `video/${wanted}`;
  const used = known.filter((one) => {
    const name = `${one.mimeType} ${one.sdpFmtpLine ?? ''}`.trim();
    return USED.some((pattern) => pattern.test(name)) && (!sends || is(one) || SENT.some((pattern) => pattern.test(one.mimeType)));
  });
  return sends && used.some(is) ? used.filter((one) => is(one) || /\/rtx$/i.test(one.mimeType)) : used;
}

function prefer(transceiver: RTCRtpTransceiver, kind: Kind, sends: boolean, wanted?: Codec): void {
  const known = (wanted && kind === 'video' ? RTCRtpSender : RTCRtpReceiver).getCapabilities?.(kind)?.codecs ?? [];
  const used = [...offered(known, sends, wanted)];
  if (used.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(used);
}
