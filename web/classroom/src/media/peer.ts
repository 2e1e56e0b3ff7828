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

export interface Encodings {
  readonly camera: Encoding;
  readonly low: Encoding;
  readonly screen: Encoding;
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
    const { camera, low, screen } = this.#encodings;
    const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio';
    const scale = Math.max(1, camera.height / low.height);
    const sendEncodings: RTCRtpEncodingParameters[] =
      source === 'camera'
        ? [
            { rid: 'l', scaleResolutionDownBy: scale, maxBitrate: low.bitrate * 1000, maxFramerate: low.frameRate },
            { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: camera.bitrate * 1000, maxFramerate: camera.frameRate },
          ]
        : source === 'screen'
          ? [{ maxBitrate: screen.bitrate * 1000, maxFramerate: screen.frameRate }]
          : [];
    const transceiver = this.connection.addTransceiver(kind, { direction: 'sendonly', ...(sendEncodings.length > 0 ? { sendEncodings } : {}) });
    prefer(transceiver, kind, true);
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
      this.#receiving.push({ kind, transceiver });
    }
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

function prefer(transceiver: RTCRtpTransceiver, kind: Kind, sends: boolean): void {
  const known = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const used = known.filter(({ mimeType, sdpFmtpLine = '' }) => {
    const name = `${mimeType} ${sdpFmtpLine}`.trim();
    return USED.some((one) => one.test(name)) && (!sends || SENT.some((one) => one.test(mimeType)));
  });
  if (used.length > 0 && 'setCodecPreferences' in transceiver) transceiver.setCodecPreferences(used);
}
