import { stat } from 'node:fs/promises';
import path from 'node:path';
import { localCandidates } from './additional-file.js';
import type { MergedTemplate } from '../documents/merge.js';
import type { Path } from '../documents/path.js';
import { isRemote, TRUSTED } from './repository.js';
import type { Template } from '../schema/template.js';
import { isPlaceholder } from './user.js';

/** Keys that name files of this machine; `*` stands for every item of a list. */
const KEYS: readonly Path[] = [
  ['systemConfig', 'additionalFiles', '*', 'local'],
  ['systemConfig', 'immutability', 'secureBootDBKey'],
  ['systemConfig', 'immutability', 'secureBootDBCrt'],
  ['systemConfig', 'immutability', 'secureBootDBCer'],
  ['systemConfig', 'fde', 'passphraseFile'],
  ['systemConfig', 'initramfs', 'template'],
  ['layers', '*', 'files', '*', 'local'],
  ['layers', '*', 'inputs', '*'],
  ['packageRepositories', '*', 'path'],
  ['packageRepositories', '*', 'packages', '*'],
  ['packageRepositories', '*', 'pkey'],
  ['packageRepositories', '*', 'pkeys', '*'],
  ['baseline', 'source', 'path'],
  ['baseline', 'source', 'sbomPath'],
];

type Container = Record<string | number, unknown>;

/**
 * A merged template as one file in the directory of the template itself: relative paths that count from the directory of another
 * template count from there instead, so that each leads to the file that it led to. Absolute paths, addresses and placeholders stay.
 */
export async function withPortablePaths(merged: MergedTemplate): Promise<Template> {
  const template = structuredClone(merged.template);
  const home = merged.layers.at(-1)?.directory;
  if (home === undefined) return template;
  for (const key of KEYS) {
    for (const at of placesOf(template, key)) {
      const parent = at.slice(0, -1).reduce<Container>((inner, step) => inner[step] as Container, template as unknown as Container);
      const last = at.at(-1) as string | number;
      const local = parent[last];
      if (typeof local !== 'string' || local === '' || path.isAbsolute(local)) continue;
      if (isRemote(local) || isPlaceholder(local) || local === TRUSTED) continue;
      const candidates = localCandidates(local, at, merged);
      const found = (await firstPresent(candidates)) ?? candidates[0];
      if (found !== undefined && found !== path.resolve(home, local)) parent[last] = path.relative(home, found);
    }
  }
  return template;
}

/** The paths of a template that a key with `*` stands for. */
function placesOf(data: unknown, [step, ...rest]: Path, before: Path = []): Path[] {
  if (step === undefined) return [before];
  if (typeof data !== 'object' || data === null) return [];
  const steps = step === '*' ? (Array.isArray(data) ? [...data.keys()] : []) : Object.hasOwn(data, step) ? [step] : [];
  return steps.flatMap((one) => placesOf((data as Container)[one], rest, [...before, one]));
}

async function firstPresent(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const there = await stat(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}
