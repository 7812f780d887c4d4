import { existsSync, readdirSync } from 'node:fs';
import { runHostProgram } from './host-program.js';
import { layerFailure } from './layer-failure.js';

/**
 * Copies a layer with everything that its manifest tells: owners, times, links among its files, attributes, whiteouts and holes.
 * Blocks are shared where the file system can do that.
 *
 * @param to a new or empty directory.
 * @throws `ICT_SANDBOX_LAYER`; the signal's reason once the copy has ended.
 */
export async function copyLayer(from: string, to: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (existsSync(to) && readdirSync(to).length > 0) throw layerFailure('Copying a layer', to, new Error('the directory is not empty'));
  const how = ['--recursive', '--no-dereference', '--preserve=mode,ownership,timestamps,links,xattr', '--reflink=auto', '--sparse=auto'];
  const { status, stderr } = await runHostProgram(['cp', ...how, '--no-target-directory', '--', from, to]);
  signal.throwIfAborted();
  if (status !== 0) throw layerFailure('Copying a layer', from, new Error(stderr || `status ${status}`));
}
