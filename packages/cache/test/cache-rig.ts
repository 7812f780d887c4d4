import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import type { EventBody } from '@ict/plugin-api';
import { openCache, type Cache, type CacheOptions } from '../src/cache.js';
import type { CachedPackage } from '../src/package-cache.js';

export const provider = 'debian-debian13-x86_64';

export interface CacheRig {
  readonly root: string;
  readonly cacheDir: string;
  readonly events: EventBody[];
  /** Codes of the warnings among them. */
  warnings(): string[];
  /** Files that were hashed so far. */
  readonly hashed: string[];
  /** The fake clock, seconds since 1970. */
  time: number;
  open(options?: Partial<CacheOptions>): Promise<Cache>;
  /** A new file outside the cache. */
  file(content: string | Uint8Array): string;
  /** Names below a path of the cache, sorted; empty when it is absent. */
  list(path: string): string[];
  /** Temporary files of the cache, of whichever process. */
  temporaryFiles(): string[];
  close(): void;
}

export function makeCacheRig(): CacheRig {
  const root = mkdtempSync(join(tmpdir(), 'ict-cache-'));
  const cacheDir = join(root, 'cache');
  let files = 0;
  const rig: CacheRig = {
    root,
    cacheDir,
    events: [],
    hashed: [],
    warnings: () => rig.events.flatMap((event) => (event.type === 'warning' ? [event.code] : [])),
    time: 1000,
    open(options = {}) {
      return openCache({
        cacheDir,
        clock: () => rig.time,
        emit: (event) => rig.events.push(event),
        digestFile: (file, algorithm = 'sha256') => {
          rig.hashed.push(file);
          return hashFile(file, { algorithm });
        },
        ...options,
      });
    },
    file(content) {
      const path = join(root, `file-${(files += 1)}`);
      writeFileSync(path, content);
      return path;
    },
    list(path) {
      try {
        return readdirSync(join(cacheDir, path)).sort();
      } catch {
        // Absent.
        return [];
      }
    },
    temporaryFiles: () =>
      readdirSync(join(cacheDir, '.ict/tmp'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
  return rig;
}

/** A package whose file holds `content`. */
export function packageOf(name: string, content: string, more: Partial<CachedPackage> = {}): CachedPackage {
  return {
    name,
    version: '1.0-1',
    arch: 'x86_64',
    repository: 'debian-trixie',
    digest: digestOf(content),
    sizeBytes: Buffer.byteLength(content),
    fileName: `${name}_1.0-1_amd64.deb`,
    ...more,
  };
}

/** What logs of processes that have ended are called: no process has such an id. */
const ENDED = /-4\d{6}-1\.log$/;
let processes = 0;

/** Makes what this process noted so far the journal of a process that has ended. */
export function endProcesses({ cacheDir }: CacheRig): void {
  const used = join(cacheDir, '.ict/used');
  for (const day of readdirSync(used)) {
    if (day === 'summary.log') continue;
    for (const log of readdirSync(join(used, day))) {
      if (ENDED.test(log)) continue; // another one's, which must not be replaced
      renameSync(join(used, day, log), join(used, day, log.replace(/-\d+-\d+\.log$/, `-${4_000_000 + processes++}-1.log`)));
    }
  }
}

const built = new URL('../dist/index.js', import.meta.url).href;

/** Source of a child process: `cache` is open on the rig's directory. */
export function childScript(cacheDir: string, body: string): string {
  return `
    import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
    const { openCache } = await import(${JSON.stringify(built)});
    import { digestOf } from '@ict/integrity';
    const cacheDir = ${JSON.stringify(cacheDir)};
    const open = () => openCache({ cacheDir, clock: () => 1000 });
    ${body}`;
}

const child = (script: string): readonly string[] => ['--input-type=module', '-e', script];
const cwd = new URL('..', import.meta.url);

export function startChild(script: string): ChildProcess {
  return spawn(process.execPath, child(script), { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Runs a child in private user and mount namespaces, after the shell commands `setup` (`$1` is `argument`). */
export function runInNamespace(setup: string, argument: string, script: string): unknown {
  const command = `${setup} && shift && exec "$@"`;
  const { stdout, stderr, status } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', command, 'sh', argument, process.execPath, ...child(script)],
    { cwd },
  );
  if (status !== 0) throw new Error(`child failed: ${stderr.toString()}`);
  return JSON.parse(stdout.toString());
}
