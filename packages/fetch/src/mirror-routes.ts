import type { EventBody } from '@ict/plugin-api';
import { toErrorRecord } from '@ict/plugin-api';
import { fetchError } from './errors.js';
import { archiveOf, withoutTrailingSlash, type MirrorCandidate, type MirrorMap } from './mirrors.js';
import { redactUrl } from './redact.js';

/** Where the addresses of an archive lead at the moment. */
export interface MirrorRoutes {
  /** Mirrors of an archive in the order to try; the archive itself when nothing else is known. */
  candidates(archive: string): readonly MirrorCandidate[];
  /**
   * From now on, addresses of `archive` lead to `url`. Emits `mirror.chosen`.
   *
   * @throws `ICT_FETCH_ADDRESS` when `url` is no candidate of the archive.
   */
  useMirror(archive: string, url: string): void;
  /**
   * Runs `pin` (fetch and verify the archive's signed root) with each candidate until one succeeds, and stays with that one.
   * A host mirror that fails is passed over with a warning; any other candidate's failure is final. Later calls for the same
   * archive begin with the mirror that was chosen.
   *
   * @throws what `pin` threw for the last candidate, or at once when `signal` aborted.
   */
  chooseMirror<T>(archive: string, pin: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The address that a public address leads to now. */
  route(url: string): string;
}

/** Routes over `mirrors`; every archive begins at its first candidate. */
export function createMirrorRoutes(mirrors: MirrorMap, emit: (event: EventBody) => void): MirrorRoutes {
  const known = new Map(Array.from(mirrors, ([archive, list]) => [withoutTrailingSlash(archive), list] as const));
  const current = new Map<string, MirrorCandidate>();
  const chosen = new Set<string>();
  const turns = new Map<string, Promise<void>>();

  const candidates = (archive: string): readonly MirrorCandidate[] => {
    const name = withoutTrailingSlash(archive);
    const list = known.get(name) ?? [];
    return list.length > 0 ? list : [{ url: name, source: 'definition' }];
  };

  function settle(archive: string, candidate: MirrorCandidate): void {
    const again = chosen.has(archive) && current.get(archive)?.url === candidate.url;
    current.set(archive, candidate);
    chosen.add(archive);
    if (!again) emit({ type: 'mirror.chosen', archive: redactUrl(archive), url: redactUrl(candidate.url), source: candidate.source });
  }

  async function tryAll<T>(archive: string, pin: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const list = candidates(archive);
    const chosenUrl = chosen.has(archive) ? current.get(archive)?.url : undefined;
    const first = Math.max(
      0,
      list.findIndex((candidate) => candidate.url === chosenUrl),
    );
    for (const [index, candidate] of list.entries()) {
      if (index < first) continue;
      const settled = chosen.has(archive) ? current.get(archive) : undefined;
      current.set(archive, candidate);
      try {
        const result = await pin();
        settle(archive, candidate);
        return result;
      } catch (error) {
        if (settled !== undefined) current.set(archive, settled); // what was pinned through it stays reachable
        signal?.throwIfAborted();
        if (candidate.source !== 'host' || index === list.length - 1) throw error;
        const { message } = toErrorRecord(error);
        emit({
          type: 'warning',
          code: 'ICT_FETCH_MIRROR_REFUSED',
          message: `The mirror ${redactUrl(candidate.url)} from this host's sources cannot serve ${redactUrl(archive)}: ${message}`,
        });
      }
    }
    throw new Error(`no mirror of ${archive}`); // unreachable: there is always a candidate
  }

  return {
    candidates,
    useMirror(archive, url) {
      const name = withoutTrailingSlash(archive);
      const candidate = candidates(name).find((one) => one.url === withoutTrailingSlash(url));
      if (candidate === undefined) {
        throw fetchError('ICT_FETCH_ADDRESS', {
          message: `${redactUrl(url)} is not a mirror of ${redactUrl(name)}`,
          hint: 'Choose one of the candidates.',
          facts: { archive: redactUrl(name), mirror: redactUrl(url) },
        });
      }
      settle(name, candidate);
    },
    async chooseMirror(archive, pin, signal) {
      const name = withoutTrailingSlash(archive);
      // Trials of one archive take turns: a trial changes where the archive's addresses lead.
      const before = turns.get(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      turns.set(name, promise);
      try {
        await before;
        return await tryAll(name, pin, signal);
      } finally {
        resolve();
      }
    },
    route(url) {
      const archive = archiveOf(url, known.keys());
      if (archive === undefined) return url;
      const candidate = current.get(archive) ?? candidates(archive)[0];
      return candidate === undefined ? url : candidate.url + url.slice(archive.length);
    },
  };
}
