import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaClient, trackKey } from './client';
import { offered } from './peer';
import type { Source, ToServer, Watch } from './messages';
import { countsOf, qualityOf } from './quality';
import { assigned, type Slot } from './slots';
import { levelOf } from './level';

// A peer connection that gives m-lines their names with each offer, and comes up when it has an answer.

class FakeTransceiver {
  mid: string | null = null;
  readonly kind: string;
  readonly init: RTCRtpTransceiverInit;
  readonly sender = { track: null as unknown, replaceTrack: async (track: unknown) => void (this.sender.track = track) };
  readonly receiver: { track: { name: string }; getSynchronizationSources: () => { audioLevel: number }[] };
  constructor(kind: string, init: RTCRtpTransceiverInit, name: string) {
    this.kind = kind;
    this.init = init;
    this.receiver = { track: { name }, getSynchronizationSources: () => [{ audioLevel: 0.4 }] };
  }
}

class FakePeer {
  readonly transceivers: FakeTransceiver[] = [];
  readonly restarts: boolean[] = [];
  signalingState = 'stable';
  connectionState = 'new';
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  closed = false;
  addTransceiver(kind: string, init: RTCRtpTransceiverInit): FakeTransceiver {
    const one = new FakeTransceiver(kind, init, `track ${this.transceivers.length}`);
    this.transceivers.push(one);
    return one;
  }
  async createOffer({ iceRestart }: { iceRestart?: boolean }): Promise<{ sdp: string }> {
    this.restarts.push(iceRestart === true);
    return { sdp: `offer of ${this.transceivers.length}` };
  }
  async setLocalDescription(offer: { sdp: string }): Promise<void> {
    this.signalingState = 'have-local-offer';
    this.localDescription = offer;
    this.transceivers.forEach((one, index) => (one.mid = String(index)));
  }
  async setRemoteDescription(): Promise<void> {
    this.signalingState = 'stable';
    this.is('connected');
  }
  is(state: string): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  close(): void {
    this.closed = true;
  }
  async getStats(): Promise<Map<string, object>> {
    return new Map();
  }
}

let said: ToServer[] = [];
let peers: FakePeer[] = [];
let answering: 'answer' | 'refuse' | 'nothing' = 'answer';

function media(sources: readonly Source[] = ['microphone', 'camera']): MediaClient {
  const client: MediaClient = new MediaClient({
    sources,
    send: (message) => {
      said.push(message);
      if (message.op === 'offer' && answering === 'answer') queueMicrotask(() => client.heard({ op: 'answer', id: message.id, sdp: 'answer' }));
      if (message.op === 'offer' && answering === 'refuse') queueMicrotask(() => client.heard({ op: 'refused', id: message.id, code: 400, msg: 'no' }));
      return true;
    },
    peer: () => {
      const peer = new FakePeer();
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
  });
  return client;
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const offers = () => said.filter((one) => one.op === 'offer');
const watches = () => said.filter((one) => one.op === 'watch').map((one) => one.slots);
const audio = (stream: string): Watch => ({ stream, kind: 'audio' });
const video = (stream: string, height = 180): Watch => ({ stream, kind: 'video', height });

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities: () => ({ codecs: [] }) });
  [said, peers, answering] = [[], [], 'answer'];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('the first offer is fresh, names what is sent, and sends the camera in two layers', async () => {
  const client = media();
  client.live();
  await settle();
  expect(offers()).toEqual([{ op: 'offer', id: 1, fresh: true, sdp: 'offer of 8', tracks: { 0: 'microphone', 1: 'camera' } }]);
  const [microphone, camera, slot] = peers[0]?.transceivers ?? [];
  expect([microphone?.init.direction, camera?.init.sendEncodings?.map(({ rid }) => rid), slot?.init.direction]).toEqual(['sendonly', ['l', 'h'], 'recvonly']);
  expect(client.snapshot().link).toBe('connected');
});

test('who only looks on sends nothing', async () => {
  media([]).live();
  await settle();
  expect(offers()[0]).toMatchObject({ tracks: {}, sdp: 'offer of 6' });
});

test('tracks come and go without another offer, a screen with one', async () => {
  const client = media();
  client.live();
  await settle();
  const track = { name: 'own' } as unknown as MediaStreamTrack;
  await client.setLocal('camera', track);
  expect([peers[0]?.transceivers[1]?.sender.track, offers().length]).toEqual([track, 1]);
  await client.setLocal('camera', null);
  expect([peers[0]?.transceivers[1]?.sender.track, offers().length]).toEqual([null, 1]);
  await client.setLocal('screen', track);
  await settle();
  expect(offers()[1]).toMatchObject({ id: 2, fresh: false, tracks: { 0: 'microphone', 1: 'camera', 8: 'screen' } });
});

test('what is wanted stands in slots, in few messages, and more slots are asked for when there are too few', async () => {
  const client = media([]);
  client.live();
  await settle();
  client.want([audio('1'), video('1')]);
  client.want([audio('1'), video('1'), video('2')]);
  await vi.advanceTimersByTimeAsync(400);
  expect(watches()).toEqual([{ 0: audio('1'), 3: video('1') }, { 4: video('2') }]);
  expect(client.snapshot().states.get('video 1')).toBe('waiting');
  client.heard({ op: 'slots', slots: { 3: { stream: '1', layer: 'l', state: 'live' } } });
  expect(client.snapshot().states.get(trackKey('video', '1'))).toBe('live');
  expect(client.snapshot().tracks.get('video 1')).toEqual({ name: 'track 3' });
  expect(client.levels()).toEqual(new Map([['1', 0.4]]));
  client.want(['1', '2', '3', '4', '5'].map((stream) => video(stream)));
  await vi.advanceTimersByTimeAsync(1000);
  expect(offers()).toHaveLength(2);
  expect(watches().at(-1)).toEqual({ 0: null, 5: video('3'), 6: video('4'), 7: video('5') });
  client.want([]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(watches().at(-1)).toEqual({ 3: null, 4: null, 5: null, 6: null, 7: null });
});

test('after a lost stream the path is sought anew; a server that knows nothing of it gets a fresh connection', async () => {
  const client = media();
  client.live();
  await settle();
  client.lost();
  client.live();
  await settle();
  expect(offers()[1]).toMatchObject({ fresh: false });
  expect(peers[0]?.restarts).toEqual([false, true]);
  answering = 'refuse';
  client.lost();
  client.live();
  await settle();
  answering = 'answer';
  await vi.advanceTimersByTimeAsync(500);
  expect(peers).toHaveLength(2);
  expect(peers[0]?.closed).toBe(true);
  expect(offers().at(-1)).toMatchObject({ fresh: true });
  expect(client.snapshot().link).toBe('connected');
});

test('a broken path has a moment to heal, then another is sought, then another connection', async () => {
  const client = media();
  client.live();
  await settle();
  peers[0]?.is('disconnected');
  expect(client.snapshot().link).toBe('reconnecting');
  await vi.advanceTimersByTimeAsync(2000);
  peers[0]?.is('connected');
  await vi.advanceTimersByTimeAsync(5000);
  expect(offers()).toHaveLength(1);
  answering = 'nothing';
  peers[0]?.is('disconnected');
  await vi.advanceTimersByTimeAsync(2500);
  expect(peers[0]?.restarts).toEqual([false, true]);
  answering = 'answer';
  await vi.advanceTimersByTimeAsync(12_000);
  expect(peers).toHaveLength(2);
  expect(client.snapshot().link).toBe('connected');
});

test('what the server closes is made anew, unless the user has left', async () => {
  const client = media();
  client.live();
  await settle();
  client.heard({ op: 'closed', reason: 'timeout' });
  await vi.advanceTimersByTimeAsync(500);
  expect(peers).toHaveLength(2);
  client.heard({ op: 'closed', reason: 'left' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(peers).toHaveLength(2);
});

test('offers that cost the stream are not made again and again', async () => {
  answering = 'nothing';
  const client = media();
  for (let times = 0; times < 4; times += 1) {
    client.live();
    await vi.advanceTimersByTimeAsync(1000);
    client.lost();
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(offers()).toHaveLength(2);
  client.live();
  expect(client.snapshot().link).toBe('none');
});

test('closing says so, and frees the connection', async () => {
  const client = media();
  client.live();
  await settle();
  client.heard({ op: 'speaker', stream: '7' });
  expect(client.snapshot().speaker).toBe('7');
  client.close();
  expect([said.at(-1), peers[0]?.closed, client.snapshot().link, client.snapshot().speaker]).toEqual([{ op: 'close' }, true, 'none', '']);
  client.live();
  await settle();
  expect(peers).toHaveLength(2);
});

test('streams keep their slots', () => {
  const slots: Slot[] = [{ mid: '0', kind: 'audio', watch: null }, { mid: '1', kind: 'video', watch: video('a') }, { mid: '2', kind: 'video', watch: video('b') }];
  const { changes, missing } = assigned(slots, [video('c'), video('b', 360), audio('b')]);
  expect(changes).toEqual({ 0: audio('b'), 1: video('c'), 2: video('b', 360) });
  expect(missing).toEqual({ audio: 0, video: 0 });
  expect(assigned(slots, [video('c'), video('d'), video('b'), audio('x'), audio('y')]).missing).toEqual({ audio: 1, video: 1 });
  expect(assigned(slots, [video('a'), video('b')]).changes).toEqual({});
});

test('a codec that is asked for is sent alone, where the browser has it', () => {
  const known = ['video/VP8', 'video/rtx', 'video/VP9 profile-id=0', 'video/VP9 profile-id=2', 'video/H264 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f', 'video/AV1 profile=0'].map((one) => {
    const [mimeType = '', sdpFmtpLine] = one.split(' ');
    return sdpFmtpLine ? { mimeType, sdpFmtpLine } : { mimeType };
  });
  const names = (...given: [boolean, ('vp9' | 'h264')?]) => offered(known, ...given).map(({ mimeType }) => mimeType.slice('video/'.length));
  expect(names(true)).toEqual(['VP8', 'rtx', 'H264']);
  expect(names(true, 'vp9')).toEqual(['rtx', 'VP9']);
  expect(names(true, 'h264')).toEqual(['rtx', 'H264']);
  known.splice(4, 1);
  expect(names(true, 'h264')).toEqual(['VP8', 'rtx']);
  expect(names(false)).toEqual(['VP8', 'rtx', 'VP9', 'AV1']);
});

test('the network is graded by what was lost since and by the delay', () => {
  const report = (received: number, lost: number, rtt: number) => [
    { type: 'inbound-rtp', packetsReceived: received, packetsLost: lost, bytesReceived: received * 1000 },
    { type: 'outbound-rtp', bytesSent: received * 500 },
    { type: 'remote-inbound-rtp', fractionLost: 0.01 },
    { type: 'candidate-pair', nominated: true, currentRoundTripTime: rtt },
  ];
  const before = countsOf(report(1000, 100, 0.05), 0);
  expect(qualityOf(undefined, countsOf([], 0)).grade).toBe('unknown');
  const good = qualityOf(before, countsOf(report(2000, 100, 0.05), 1000));
  expect(good).toMatchObject({ grade: 'good', rttMs: 50, lossDown: 0, bitrateDown: 8_000_000, bitrateUp: 4_000_000 });
  expect(qualityOf(before, countsOf(report(1950, 150, 0.05), 1000)).grade).toBe('weak');
  expect(qualityOf(before, countsOf(report(1800, 300, 0.05), 1000)).grade).toBe('bad');
  expect(qualityOf(before, countsOf(report(2000, 100, 0.6), 1000)).grade).toBe('bad');
});

test('silence is nothing, speech about the middle, and no sound is more than all', () => {
  const tone = (height: number) => Float32Array.from({ length: 512 }, (_, at) => height * Math.sin(at / 5));
  expect(levelOf(new Float32Array(512))).toBe(0);
  expect(levelOf(tone(0.05))).toBeGreaterThan(0.4);
  expect(levelOf(tone(0.05))).toBeLessThan(0.6);
  expect(levelOf(tone(2))).toBe(1);
});
