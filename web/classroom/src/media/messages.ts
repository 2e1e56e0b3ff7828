// What client and server say to each other about media, over the stream of the class.

export type Source = 'microphone' | 'camera' | 'screen' | 'screenAudio';
export type Kind = 'audio' | 'video';

/** What is wanted in a slot. `height` in device pixels chooses the layer; 0: nobody looks. */
export interface Watch {
  readonly stream: string;
  readonly kind: Kind;
  readonly height?: number;
}

export type SlotState = 'live' | 'waiting' | 'withheld';

export type ToServer =
  | { readonly op: 'offer'; readonly id: number; readonly fresh: boolean; readonly sdp: string; readonly tracks: Readonly<Record<string, Source>> }
  | { readonly op: 'watch'; readonly slots: Readonly<Record<string, Watch | null>> }
  | { readonly op: 'stats' }
  | { readonly op: 'close' };

export type ClosedReason = 'replaced' | 'timeout' | 'left' | 'failed';

/** What the server measures of the sound or the picture of a stream. */
export interface TrackStats {
  readonly bitrate: number;
  readonly packets: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly layers: Readonly<Record<string, number>>;
  readonly watchers: number;
}

/** What it measures of a stream. */
export interface StreamStats {
  readonly audio: TrackStats | null;
  readonly video: TrackStats | null;
  readonly rttMs: number | null;
}

export type FromServer =
  | { readonly op: 'answer'; readonly id: number; readonly sdp: string }
  | { readonly op: 'refused'; readonly id?: number; readonly code: number; readonly msg: string }
  | { readonly op: 'slots'; readonly slots: Readonly<Record<string, { readonly stream: string; readonly layer?: string; readonly state: SlotState } | null>> }
  | { readonly op: 'sending'; readonly tracks: Readonly<Record<string, { readonly allowed: boolean }>> }
  | { readonly op: 'speaker'; readonly stream: string }
  | { readonly op: 'stats'; readonly streams: Readonly<Record<string, StreamStats>> }
  | { readonly op: 'closed'; readonly reason: ClosedReason };
