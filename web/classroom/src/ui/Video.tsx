// A picture and a sound, as elements that show tracks.

import { useEffect, useRef } from 'react';

export function Video({ track, mirrored = false, contain = false, label }: { readonly track: MediaStreamTrack; readonly mirrored?: boolean; readonly contain?: boolean; readonly label: string }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    void video.play().catch(() => {});
    return () => {
      video.srcObject = null;
    };
  }, [track]);
  return <video ref={ref} className={`sc-video ${mirrored ? 'sc-video--mirrored' : ''} ${contain ? 'sc-video--contain' : ''}`} autoPlay playsInline muted disablePictureInPicture aria-label={label} />;
}

/** Sound through the chosen speaker. `onBlocked` when the browser wants a click first. */
export function Sound({ track, speaker, onBlocked }: { readonly track: MediaStreamTrack; readonly speaker: string; readonly onBlocked: (audio: HTMLAudioElement) => void }) {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (!audio) return;
    audio.srcObject = new MediaStream([track]);
    audio.play().catch((error: unknown) => {
      if ((error as { name?: unknown }).name === 'NotAllowedError') onBlocked(audio);
    });
    return () => {
      audio.srcObject = null;
    };
  }, [track]);
  useEffect(() => {
    const audio = ref.current as (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }) | null;
    if (speaker) void audio?.setSinkId?.(speaker).catch(() => {});
  }, [speaker]);
  return <audio ref={ref} autoPlay />;
}
