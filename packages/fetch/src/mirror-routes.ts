import type { EventBody } from '@ict/plugin-api';
import { toErrorRecord } from '@ict/plugin-api';
import { fetchError } from './errors.js';
import { failOver, isForbidden, isOfMirror, type MirrorFailures } from './fail-over.js';
import { archiveOf, withoutTrailingSlash, type MirrorCandidate, type MirrorMap } from './mirrors.js';
import { redactUrl } from './redact-url.js';

/** Of a list of mirrors only so many count: what none of them has is not to be had. */
const MAX_LISTED = 10;

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
  /** False for an archive whose mirrors somebody named: then no others count. */
  takesMirrors(archive: string): boolean;
  /**
   * Adds mirrors that the archive's own list names, best first: they are tried before the archive itself. Does nothing when
   * {@link takesMirrors} says no.
   */
  offerMirrors(archive: string, urls: readonly string[]): void;
  /**
   * Runs `pin` (fetch and verify the archive's signed root) with each candidate until one succeeds, and stays with that one. Candidates
   * that failed before it are passed over from then on, with a warning. Later calls for the same archive begin with the mirror that
   * was chosen; one that comes while another is at work tries the same mirror beside it, and chooses by itself only when that one fails it.
   *
   * @throws of what `pin` threw the most telling, naming all candidates; at once when `signal` aborted or no mirror is at fault.
   */
  chooseMirror<T>(archive: string, pin: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The addresses that a public address leads to now, in the order to try. While an archive's root is tried, only the mirror on trial. */
  route(url: string): Route;
}

/** What a public address leads to. */
export interface Route {
  /** Bases to try in this order; what follows them is {@link rest}. */
  readonly candidates: readonly MirrorCandidate[];
  /** What is appended to a base. */
  readonly rest: string;
  /** False while a mirror is on trial that others can stand in for. */
  readonly patient: boolean;
  /** To be told which mirrors failed when another then delivered: they are asked last from now on. */
  passOver(failures: MirrorFailures): void;
}

/** Routes over `mirrors`; every archive begins at its first candidate. */
export function createMirrorRoutes(mirrors: MirrorMap, emit: (event: EventBody) => void): MirrorRoutes {
  const known = new Map(Array.from(mirrors, ([archive, list]) => [withoutTrailingSlash(archive), list] as const));
  const chosen = new Map<string, MirrorCandidate>();
  const trials = new Map<string, { readonly candidate: MirrorCandidate; readonly patient: boolean }>();
  const refused = new Map<string, Set<string>>();
  const turns = new Map<string, Promise<void>>();

  const candidates = (archive: string): readonly MirrorCandidate[] => {
    const name = withoutTrailingSlash(archive);
    const list = known.get(name) ?? [];
    return list.length > 0 ? list : [{ url: name, source: 'definition' }];
  };

  /** The chosen one first, those that failed last. */
  function inOrder(archive: string): readonly MirrorCandidate[] {
    const bad = refused.get(archive);
    const current = chosen.get(archive)?.url;
    const rank = ({ url }: MirrorCandidate): number => (bad?.has(url) === true ? 2 : url === current ? 0 : 1);
    return candidates(archive).toSorted((a, b) => rank(a) - rank(b));
  }

  function settle(archive: string, candidate: MirrorCandidate): void {
    const again = chosen.get(archive)?.url === candidate.url;
    chosen.set(archive, candidate);
    refused.get(archive)?.delete(candidate.url);
    if (!again) emit({ type: 'mirror.chosen', archive: redactUrl(archive), url: redactUrl(candidate.url), source: candidate.source });
  }

  function passOver(archive: string, failures: MirrorFailures): void {
    const bad = refused.get(archive) ?? new Set<string>();
    refused.set(archive, bad);
    for (const [{ url }, error] of failures) {
      if (bad.has(url) || isForbidden(error)) continue;
      bad.add(url);
      emit({
        type: 'warning',
        code: 'ICT_FETCH_MIRROR_REFUSED',
        message: `The mirror ${redactUrl(url)} of ${redactUrl(archive)} is passed over: ${toErrorRecord(error).message}`,
      });
    }
  }

  async function tryAll<T>(archive: string, pin: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const list = inOrder(archive);
    const attempt = async (candidate: MirrorCandidate, patient: boolean): Promise<T> => {
      trials.set(archive, { candidate, patient });
      try {
        return await pin();
      } finally {
        trials.delete(archive); // what was pinned through another mirror stays reachable
      }
    };
    const { value, by, failures } = await failOver(list, attempt, signal);
    passOver(archive, failures);
    settle(archive, by);
    return value;
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
    takesMirrors: (archive) => candidates(archive).some(({ source }) => source === 'definition'),
    offerMirrors(archive, urls) {
      const name = withoutTrailingSlash(archive);
      const list = candidates(name);
      const at = list.findIndex(({ source }) => source === 'definition');
      if (at === -1) return;
      const taken = new Set(list.map(({ url }) => url));
      const listed = urls.map(withoutTrailingSlash).filter((url) => !taken.has(url) && taken.add(url));
      known.set(name, list.toSpliced(at, 0, ...listed.slice(0, MAX_LISTED).map((url) => ({ url, source: 'list' as const }))));
    },
    async chooseMirror(archive, pin, signal) {
      const name = withoutTrailingSlash(archive);
      if (candidates(name).length === 1) return tryAll(name, pin, signal);
      if (turns.has(name)) {
        // A guest: whatever it gets is verified as always, and files that only its mirror has are found there, as those of all mirrors are.
        try {
          return await pin();
        } catch (error) {
          signal?.throwIfAborted();
          if (!isOfMirror(error)) throw error;
        }
      }
      // Trials of one archive take turns: a trial changes where the archive's addresses lead.
      const before = turns.get(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      turns.set(name, promise);
      try {
        if (before !== undefined) await before;
        return await tryAll(name, pin, signal);
      } finally {
        resolve();
        if (turns.get(name) === promise) turns.delete(name);
      }
    },
    route(url) {
      const archive = archiveOf(url, known.keys());
      if (archive === undefined) {
        return { candidates: [{ url, source: 'definition' }], rest: '', patient: true, passOver: () => undefined };
      }
      const trial = trials.get(archive);
      return {
        candidates: trial === undefined ? inOrder(archive) : [trial.candidate],
        rest: url.slice(archive.length),
        patient: trial?.patient ?? true,
        passOver: (failures) => passOver(archive, failures),
      };
    },
  };
}
