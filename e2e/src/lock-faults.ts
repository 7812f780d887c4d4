import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { debFaults, readPlainRpms, rpmFaults, type ChosenPackage } from '@ict/fixtures';
import { compareDebVersions } from '@ict/provider-deb';
import { compareVersions } from '@ict/provider-rpm/evr';
import { parse } from 'yaml';

/** What is read of a lock file, and not by the product's own reader. */
interface PlainLock {
  readonly asked: {
    readonly image: readonly string[];
    readonly tools: readonly string[];
    readonly essential: { readonly packages: readonly string[] };
  };
  readonly repositories: readonly { readonly id: string; readonly indexes: readonly PlainIndex[] }[];
  readonly plugins: Readonly<Record<string, string>>;
  readonly packages: readonly ChosenPackage[];
  readonly tools: readonly ChosenPackage[];
}

interface PlainIndex {
  readonly path: string;
  readonly digest: string;
  readonly plain?: { readonly digest: string };
}

const UNPACK: Readonly<Record<string, string>> = { '.gz': 'gzip', '.xz': 'xz', '.zst': 'zstd', '.bz2': 'bzip2' };

/**
 * What a second and simple reader finds wrong with the packages of a lock, over the indexes that it pins: the image and its tools hold
 * together and answer what was asked. Nothing where all is well.
 *
 * @param lock text of the lock file.
 * @param cache the `--cache-dir` of the command that wrote it.
 * @returns undefined where nobody can say: the ecosystem is a third one, or the cache has not kept the indexes as they were.
 */
export async function lockFaults(lock: string, cache: string): Promise<readonly string[] | undefined> {
  const { asked, repositories, plugins, packages, tools } = parse(lock) as PlainLock;
  const closures = [
    [[...asked.image, ...asked.essential.packages], packages],
    [asked.tools, tools],
  ] as const;
  const textsOf = async (name: RegExp): Promise<ReadonlyMap<string, string> | undefined> => {
    const texts = new Map<string, string>();
    for (const { id, indexes } of repositories) {
      for (const index of indexes.filter(({ path }) => name.test(path))) {
        const text = await textOf(index, cache);
        if (text === undefined) return undefined;
        texts.set(id, `${texts.get(id) ?? ''}${text}\n\n`);
      }
    }
    return texts;
  };
  if ('@ict/provider-deb' in plugins) {
    const indexes = await textsOf(/(?:^|\/)Packages(?:\.\w+)?$/);
    return indexes && closures.flatMap(([requests, chosen]) => debFaults(requests, chosen, indexes, compareDebVersions));
  }
  if ('@ict/provider-rpm' in plugins) {
    const primary = await textsOf(/primary\.xml/);
    // Lists of all files are there when something needed one of them.
    const files = await textsOf(/filelists\.xml/);
    const known = primary && new Map([...primary].map(([id, text]) => [id, readPlainRpms(text, files?.get(id))] as const));
    return known && closures.flatMap(([requests, chosen]) => rpmFaults(requests, chosen, known, compareVersions));
  }
  return undefined;
}

/** The text of an index, as the cache keeps it; undefined when it does not, or has it damaged. */
async function textOf({ path, digest, plain }: PlainIndex, cache: string): Promise<string | undefined> {
  const kept = plain === undefined ? undefined : await blob(plain.digest, cache);
  if (kept !== undefined) return kept.toString('utf8');
  const bytes = await blob(digest, cache);
  const program = UNPACK[extname(path)];
  if (bytes === undefined || program === undefined) return bytes?.toString('utf8');
  return execFileSync(program, ['-dc'], { input: bytes, maxBuffer: 2 ** 29 }).toString('utf8');
}

async function blob(digest: string, cache: string): Promise<Buffer | undefined> {
  const hex = digest.slice('sha256:'.length);
  const bytes = await readFile(join(cache, '.ict', 'blobs', 'sha256', hex.slice(0, 2), hex)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  return bytes !== undefined && createHash('sha256').update(bytes).digest('hex') === hex ? bytes : undefined;
}
