import { readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { cliError } from './errors.js';
import { packageDirectory } from './package-directory.js';

interface PackageManifest {
  readonly ict?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A plugin that the configuration lists: a package name, or a path. */
export interface ConfiguredPlugin {
  readonly name: string;
  /** Directory that paths are relative to, and that packages are looked up from. */
  readonly base: string;
}

/**
 * Finds plugins by data: packages with an `ict` field among the dependencies of the package at `root`, and whatever the
 * configuration lists. No code of a plugin is loaded.
 *
 * @param root directory of the package whose dependencies count: the cli's own.
 * @returns absolute directories, each once, in the order found.
 * @throws `ICT_CLI_PLUGIN_NOT_FOUND` for a listed plugin that is not there; the engine checks what it says of itself.
 */
export async function discoverPlugins(root: string, configured: readonly ConfiguredPlugin[]): Promise<readonly string[]> {
  const manifestFile = join(root, 'package.json');
  const { dependencies = {}, optionalDependencies = {} } = await readManifest(manifestFile);
  const found = new Set<string>();
  const optional = new Set(Object.keys(optionalDependencies));
  const levels = new Map<string, boolean>();
  const directories: string[] = [];
  for (const name of new Set([...Object.keys(dependencies), ...optional])) {
    const directory = packageDirectory(name, root, levels);
    if (directory !== undefined) directories.push(directory);
    else if (!optional.has(name)) {
      throw notFound(name, `a dependency of ${manifestFile} is not installed`, 'Run `npm ci` in a clone, or install @ict/cli again.');
    }
  }
  const manifests = await Promise.all(directories.map((directory) => readManifest(join(directory, 'package.json'))));
  for (const directory of directories.filter((_, index) => manifests[index].ict !== undefined)) found.add(await realpath(directory));
  for (const { name, base } of configured) {
    const isPath = name.startsWith('.') || isAbsolute(name);
    const directory = isPath ? resolve(base, name) : (packageDirectory(name, base) ?? packageDirectory(name, root));
    const where = directory === undefined ? undefined : await realDirectory(directory);
    if (where === undefined) {
      throw isPath
        ? notFound(name, 'the configuration lists a plugin in a directory that is not there', 'Correct the path under `plugins:`.')
        : notFound(
            name,
            'the configuration lists a plugin that is not installed',
            `Install it (npm install ${name}), or correct \`plugins:\`.`,
          );
    }
    found.add(where);
  }
  return [...found];
}

function notFound(name: string, message: string, hint: string): Error {
  return cliError('ICT_CLI_PLUGIN_NOT_FOUND', { message: `${name}: ${message}`, hint, facts: { plugin: name } });
}

async function realDirectory(directory: string): Promise<string | undefined> {
  try {
    return await realpath(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function readManifest(file: string): Promise<PackageManifest> {
  return JSON.parse(await readFile(file, 'utf8')) as PackageManifest;
}
