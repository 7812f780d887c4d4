import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { repositoryRoot } from './ict.js';
import { madeOnce } from './made-once.js';

const run = promisify(execFile);

/** A package as npm packs it. */
export interface Tarball {
  readonly name: string;
  readonly file: string;
  /** What it holds, relative to the package. */
  readonly paths: readonly string[];
}

/** Packs every package that gets published into `directory`. @throws when npm fails. */
async function packPublished(directory: string): Promise<readonly Tarball[]> {
  const workspaces = JSON.parse(await npm(['query', '.workspace'], repositoryRoot)) as { location: string; private?: boolean }[];
  const published = workspaces.filter((workspace) => workspace.private !== true).map(({ location }) => `--workspace=${location}`);
  const packed = JSON.parse(await npm(['pack', '--json', '--pack-destination', directory, ...published], repositoryRoot)) as {
    name: string;
    filename: string;
    files: { path: string }[];
  }[];
  return packed.map(({ name, filename, files }) => ({ name, file: join(directory, filename), paths: files.map(({ path }) => path) }));
}

/** What packages installed from tarballs into a folder of their own consist of. */
export interface Installation {
  readonly directory: string;
  /** The command, run by a Node beside it: argv to which arguments are added. */
  readonly command: readonly string[];
}

/** All packages that get published, as tarballs and as somebody has them who installed them. */
export interface Published {
  readonly tarballs: readonly Tarball[];
  readonly installation: Installation;
}

/** Packs and installs what gets published, once a run. */
export function installPublished(run: string): Promise<Published> {
  return madeOnce(run, 'published', async (directory) => {
    const tarballs = await packPublished(directory);
    return { tarballs, installation: await installTarballs(tarballs, join(run, 'an empty folder')) };
  });
}

/** Installs tarballs into `directory`, which holds nothing else, and puts this Node beside them. @throws when npm fails. */
async function installTarballs(tarballs: readonly Tarball[], directory: string): Promise<Installation> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "name": "empty-folder", "private": true }\n');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--fetch-timeout=30000', '--fetch-retries=5'];
  await npm(['install', ...flags, ...tarballs.map(({ file }) => file)], directory);
  const node = join(directory, 'node');
  await copyFile(process.execPath, node);
  return { directory, command: [node, join(directory, 'node_modules', '.bin', 'ict')] };
}

/** What is wrong with an installed package: what it lacks, and what does not belong in it. Empty when all is well. */
export async function packageFaults(tarball: Tarball, installation: Installation): Promise<readonly string[]> {
  const root = join(installation.directory, 'node_modules', tarball.name);
  const faults: string[] = [];
  for (const wanted of ['README.md', 'LICENSE']) if (!tarball.paths.includes(wanted)) faults.push(`lacks ${wanted}`);
  for (const path of tarball.paths) if (isForeign(path)) faults.push(`holds ${path}`);
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
  for (const field of ['description', 'keywords', 'license', 'engines'] as const)
    if (manifest[field] === undefined) faults.push(`says no ${field}`);
  for (const path of namedPaths(manifest)) if (!(await isThere(root, path))) faults.push(`names ${path}, which is not in it`);
  const declared = new Set([manifest.name, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })]);
  for (const path of tarball.paths) {
    const text = await readFile(join(root, path), 'utf8');
    if (text.includes(repositoryRoot)) faults.push(`${path} names ${repositoryRoot}`);
    if (!/\.(?:js|d\.ts)$/.test(path)) continue;
    for (const name of importedPackages(text)) if (!declared.has(name)) faults.push(`${path} imports ${name}, which is not declared`);
  }
  return faults.map((fault) => `${tarball.name}: ${fault}`);
}

interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
  readonly engines?: unknown;
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports?: unknown;
  readonly ict?: { readonly plugin?: string; readonly distros?: readonly string[] };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function isForeign(path: string): boolean {
  return /(?:^|\/)(?:src|test|\.reports)\/|\.test\.|\.tsbuildinfo$|\.map$|(?:^|\/)tsconfig/.test(path);
}

/** Paths that a package.json promises, with `*` for any name. */
function namedPaths({ bin, exports, ict }: Manifest): readonly string[] {
  const leaves = (value: unknown): readonly string[] =>
    typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
  return [...leaves(bin), ...leaves(exports), ...leaves(ict?.plugin), ...leaves(ict?.distros)];
}

async function isThere(root: string, path: string): Promise<boolean> {
  const [directory, name] = [join(root, path, '..'), path.slice(path.lastIndexOf('/') + 1)];
  const [prefix, suffix] = name.split('*');
  const names = await readdir(directory).catch(() => []); // no such directory: nothing is there
  return names.some((found) => (suffix === undefined ? found === prefix : found.startsWith(prefix) && found.endsWith(suffix)));
}

/** Packages that a module imports or resolves, without those of Node. */
function importedPackages(text: string): ReadonlySet<string> {
  const imported = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  const resolved = [...text.matchAll(/import\.meta\.resolve\(\s*'([^']+)'/g)].map((match) => match[1]);
  const bare = [...imported, ...resolved].filter((specifier) => !/^(?:\.|node:|file:)/.test(specifier) && !isBuiltin(specifier));
  return new Set(bare.map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier));
}

/** Runs npm as if from a shell: what an npm around this process has put into the environment must not steer it. */
async function npm(args: readonly string[], cwd: string): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:npm_|INIT_CWD$|NODE_OPTIONS$)/i.test(name)));
  return (await run('npm', args, { cwd, env, maxBuffer: 64 * 1024 ** 2 })).stdout;
}
