import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '@ict/integrity';
import type { LayerInput, TreeSession } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** Where the commands of a layer see what the template gives them. /run is not part of the image. */
export const INPUTS = '/run/ict/inputs';

/**
 * What a layer's commands may read of the host: by path below {@link INPUTS}, `directory`, `link TARGET`, or a file's mode, 644 or
 * 755, and digest. Owners, times and other bits of the mode are left out, as they differ between clones of the same sources.
 */
export type InputListing = Readonly<Record<string, string>>;

/** @throws `ICT_LAYER_INPUT` for anything but files, directories and links; Node's own error when a file cannot be read. */
export async function listInputs(inputs: readonly LayerInput[]): Promise<InputListing> {
  const found: [string, string][] = [];
  for (const { source, name } of inputs) await list(source, name, found);
  return Object.fromEntries(found);
}

async function list(source: string, name: string, found: [string, string][]): Promise<void> {
  const entry = await lstat(source);
  if (entry.isDirectory()) {
    found.push([name, 'directory']);
    for (const child of (await readdir(source)).sort()) await list(join(source, child), `${name}/${child}`, found);
  } else if (entry.isSymbolicLink()) {
    found.push([name, `link ${await readlink(source)}`]);
  } else if (entry.isFile()) {
    const mode = (entry.mode & 0o100) === 0 ? '644' : '755';
    found.push([name, `${mode} ${(await hashFile(source)).digest}`]);
  } else {
    throw coreError('ICT_LAYER_INPUT', {
      message: `${source} cannot be the input of a layer: it is neither a file, a directory nor a link`,
      hint: 'Remove it, or name the files that the commands need one by one.',
      facts: { source },
    });
  }
}

/**
 * Copies inputs to where a layer's commands see them, all of root's and at the time that the files of layers get.
 *
 * @param listing what their content was when the layer's key was made.
 * @throws `ICT_LAYER_INPUT` when a file changed since then.
 */
export async function placeInputs(inputs: readonly LayerInput[], listing: InputListing, tree: TreeSession): Promise<void> {
  const roots = new Map(inputs.map(({ name, source }) => [name, source]));
  for (const [path, what] of Object.entries(listing)) {
    const [root, ...below] = path.split('/');
    const source = join(roots.get(root) as string, ...below);
    const target = `${INPUTS}/${path}`;
    if (what === 'directory') await tree.makeDirectory(target, { mode: 0o755 });
    else if (what.startsWith('link ')) await tree.symlink(what.slice('link '.length), target);
    else await tree.copyIn(source, target, { mode: parseInt(what.slice(0, 3), 8) });
  }
  // What was copied is what the key says only if it is still so now.
  const now = await listInputs(inputs);
  const changed = [...new Set([...Object.keys(listing), ...Object.keys(now)])].find((path) => listing[path] !== now[path]);
  if (changed === undefined) return;
  throw coreError('ICT_LAYER_INPUT', {
    message: `the input ${changed} of a layer changed while it was read`,
    hint: 'Build again when nothing writes to it.',
    facts: { path: changed },
  });
}
