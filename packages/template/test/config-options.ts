import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigOptions } from '../src/configuration/config.js';
import { workspace } from './workspace.js';

/** What a configuration is read with: these files in a directory of their own, as root, without variables. */
export async function options(files: Readonly<Record<string, string>>, more: Partial<ConfigOptions> = {}): Promise<ConfigOptions> {
  const directory = await workspace(files);
  for (const name of ['cwd', 'home']) await mkdir(path.join(directory, name), { recursive: true });
  return {
    env: {},
    cwd: path.join(directory, 'cwd'),
    home: path.join(directory, 'home'),
    systemDirectory: path.join(directory, 'etc'),
    root: true,
    ...more,
  };
}
