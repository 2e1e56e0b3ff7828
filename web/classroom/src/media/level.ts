// How loud a track is, from 0 to 1, for a meter.

/** Calls back about twenty times a second until the returned function is called. */
export function meter(track: MediaStreamTrack, tell: (level: number) => void): () => void {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    tell(levelOf(samples));
  }, 50);
  return () => {
    clearInterval(timer);
    source.disconnect();
    void context.close().catch(() => {});
  };
}

/** The loudness of samples from -1 to 1, so that speech is about in the middle. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms < 1e-4) return 0;
  // -60 dB is silence, 0 dB as loud as it gets.
  return Math.min(1, Math.max(0, 1 + Math.log10(rms) / 3));
}

/** Plays a short, soft sound, to hear whether the speaker works. */
export async function chime(speaker: string): Promise<void> {
  const context = new AudioContext();
  if (speaker && 'setSinkId' in context) await (context as AudioContext & { setSinkId(id: string): Promise<void> }).setSinkId(speaker).catch(() => {});
  const begin = context.currentTime;
  for (const [at, frequency] of [[0, 523.25], [0.18, 659.25], [0.36, 783.99]] as const) {
    const [tone, volume] = [context.createOscillator(), context.createGain()];
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, begin + at);
    volume.gain.linearRampToValueAtTime(0.2, begin + at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, begin + at + 0.5);
    tone.connect(volume).connect(context.destination);
    tone.start(begin + at);
    tone.stop(begin + at + 0.55);
  }
  setTimeout(() => void context.close(), 1500);
}
