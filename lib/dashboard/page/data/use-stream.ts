import { useEffect, useState } from 'preact/hooks';
import type { StreamedActivity } from '../../activity.stream.js';
import { dataUrl, type Json } from './request.js';

export interface Stream {
  /** The latest first. */
  activities: Json<StreamedActivity>[];
  /** Whether the connection is open. */
  isOpen: boolean;
  /** Whether the server's database does not answer. */
  isTroubled: boolean;
}

const MAX = 200;

/** Live activities by server-sent events; the browser reconnects by itself. */
export function useStream(): Stream {
  const [stream, setStream] = useState<Stream>({ activities: [], isOpen: false, isTroubled: false });
  useEffect(() => {
    const source = new EventSource(dataUrl('stream'));
    source.addEventListener('open', () => setStream((before) => ({ ...before, isOpen: true })));
    source.addEventListener('error', () => setStream((before) => ({ ...before, isOpen: false })));
    source.addEventListener('trouble', () => setStream((before) => ({ ...before, isTroubled: true })));
    source.addEventListener('activities', ({ data }: MessageEvent<string>) => {
      const parsed: Json<StreamedActivity>[] = JSON.parse(data);
      setStream(({ activities }) => {
        const seen = new Set(activities.map(({ id }) => id));
        const fresh = parsed.filter(({ id }) => !seen.has(id)).toReversed();
        return { activities: [...fresh, ...activities].slice(0, MAX), isOpen: true, isTroubled: false };
      });
    });
    return () => source.close();
  }, []);
  return stream;
}
