import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HeldMounts } from '@ict/fixtures';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { artifactOf, ict, Mini, repositoryRoot, sound, stepsOf, type BuildPlaces, type IctOptions, type IctResult } from '../src/index.js';

/*
 * A cache directory where the kernel lets no overlay be, shared by several machines. It lies on an overlay: like network storage a file
 * system of its own, unfit for trees, and with another device number in each mount; machines are namespaces with host names of their own.
 */

const run = promisify(execFile);
const program = join(repositoryRoot, 'node_modules', '.bin', 'ict');

let mini: Mini;
let mounts: HeldMounts;
/** What all machines share. */
let storage: string;

beforeAll(async () => {
  mini = await Mini.start(inject('run'), 'network-cache');
  storage = join(mini.root, 'storage');
  for (const name of ['lower', 'upper', 'work', 'shared']) await mkdir(join(storage, name), { recursive: true });
  mounts = await HeldMounts.hold('cd "$1"; mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay shared', storage);
});
afterAll(async () => {
  await mounts.close();
  await mini.close();
});

/** One machine: disks of its own, and a cache directory that it shares. */
class Machine {
  readonly places: BuildPlaces;
  private readonly name: string;

  private constructor(name: string, places: BuildPlaces) {
    this.name = name;
    this.places = places;
  }

  static async start(name: string, cache: string): Promise<Machine> {
    return new Machine(name, { ...(await mini.places()), cache: join(storage, 'shared', cache) });
  }

  build(template = mini.distribution.template, args: readonly string[] = [], options: IctOptions = {}): Promise<IctResult> {
    return mini.buildTemplate(template, this.places, args, { ...this.here, ...options });
  }

  cache(command: string, ...args: readonly string[]): Promise<IctResult> {
    return ict(['cache', command, '--cache-dir', this.places.cache, '--work-dir', this.places.work, ...args], this.here);
  }

  private get here(): IctOptions {
    return { command: mounts.onMachine(this.name, program) };
  }
}

/** The file that storage has for a path of the shared directory. */
const stored = (cache: string, ...parts: readonly string[]): string => join(storage, 'upper', cache, '.ict', ...parts);

describe('a cache directory on storage where no trees can be', () => {
  let first: Machine;
  let digest: string;
  let changed: string;
  let fromArchives: IctResult;
  beforeAll(async () => {
    first = await Machine.start('first', 'one');
    digest = artifactOf(await sound(first.build()), 'raw').digest;
  });

  it('has packages, results and archives of layers, and no tree', async () => {
    expect(await readdir(stored('one', 'index', 'steps'))).toEqual(expect.arrayContaining(['ict.base', 'ict.layer-archive']));
    await expect(readdir(stored('one', 'layers'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(join(first.places.work, '.cache', '.ict', 'layers'))).length).toBeGreaterThan(0);
  });

  it('gives another machine the finished image, verified without hashing', async () => {
    const other = await Machine.start('other', 'one');
    const result = await sound(other.build(mini.distribution.template, ['--offline']));
    expect(stepsOf(result, 'step.hit')).toEqual(['ict.image']);
    expect(artifactOf(result, 'raw').digest).toBe(digest);
    const again = await sound(first.build(mini.distribution.template, ['--no-image-cache']));
    const checks = again.events.flatMap((event) => (event.type === 'package.cached' ? [event.check] : []));
    expect(new Set(checks)).toEqual(new Set(['signature']));
    expect(artifactOf(again, 'raw').digest).toBe(digest);
  });

  it('gives another machine the layers that a changed image shares, without network', async () => {
    changed = await mini.template({ system: { hostname: 'another' } });
    fromArchives = await sound((await Machine.start('third', 'one')).build(changed, ['--offline']));
    expect(stepsOf(fromArchives, 'step.hit')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
    expect(stepsOf(fromArchives, 'step.miss')).toEqual(expect.arrayContaining(['ict.image', 'ict.configure']));
  });

  it('serves as a cache that is only read, too', async () => {
    const template = await mini.template({ system: { hostname: 'reader' } });
    const places = await mini.places();
    const shared = ['--offline', '--read-only-cache-dir', first.places.cache];
    const result = await sound(mini.buildTemplate(template, places, shared, { command: mounts.onMachine('reader', program) }));
    expect(stepsOf(result, 'step.hit')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages']));
  });

  it('with archives that were damaged costs work, and nothing else: without them, the changed image comes out the same', async () => {
    const [program, ...argv] = mounts.inside('find', join(first.places.cache, '.ict', 'blobs'), '-type', 'f', '-size', '+2k', '-exec');
    await run(program, [...argv, 'dd', 'if=/dev/zero', 'of={}', 'bs=64', 'count=1', 'seek=8', 'conv=notrunc', 'status=none', ';']);
    const result = await sound((await Machine.start('fourth', 'one')).build(changed, ['--no-image-cache']));
    expect(stepsOf(result, 'step.miss')).toEqual(expect.arrayContaining(['ict.base', 'ict.packages', 'ict.configure']));
    expect(artifactOf(result, 'raw').digest).toBe(artifactOf(fromArchives, 'raw').digest);
    const { status, stdout } = await first.cache('verify', '--repair', '--json');
    expect(status, stdout).toBe(0);
  });

  it('is listed with the layers of the machine, and cleared of what no machine may be using', async () => {
    const kinds = async (): Promise<readonly string[]> => {
      const { entries } = JSON.parse((await sound(first.cache('list', '--json'))).stdout) as { entries: { kind: string }[] };
      return [...new Set(entries.map(({ kind }) => kind))].sort();
    };
    expect(await kinds()).toEqual(expect.arrayContaining(['blob', 'layer', 'package', 'step']));
    const { pinned } = JSON.parse((await sound(first.cache('clean', '--all', '--json'))).stdout) as { pinned: number };
    expect(pinned).toBeGreaterThan(0); // nobody can tell whether the builds of other machines have ended
    const used = join(first.places.cache, '.ict', 'used');
    const [program, ...argv] = mounts.inside('find', used, '-name', '*.log', '-exec', 'touch', '--date', '2 days ago', '{}', ';');
    await run(program, argv);
    await sound(first.cache('clean', '--all'));
    expect(await kinds()).toEqual([]);
    expect(await readdir(join(first.places.work, '.cache', '.ict', 'trash'))).toEqual([]);
  });
});

describe('machines that build at the same time', () => {
  it('do not wait for each other, and one that is killed leaves nothing that the others miss', async () => {
    const [killed, other] = [await Machine.start('killed', 'two'), await Machine.start('other', 'two')];
    let stored = 0;
    const [dead, done] = await Promise.all([
      killed.build(mini.distribution.template, [], {
        onEvent: (event, child) => {
          if (event.type === 'step.stored' && (stored += 1) === 2) child.kill('SIGKILL');
        },
      }),
      sound(other.build()),
    ]);
    expect(dead.signal).toBe('SIGKILL');
    const { digest } = artifactOf(done, 'raw');
    expect(artifactOf(await sound(killed.build(mini.distribution.template, ['--no-image-cache'])), 'raw').digest).toBe(digest);
    const verified = await other.cache('verify', '--json');
    expect(verified.status, verified.stdout).toBe(0);
  });
});

it('a work directory on such storage is refused before anything is fetched', async () => {
  const machine = await Machine.start('lost', 'three');
  const places = { ...machine.places, work: join(storage, 'shared', 'work') };
  const requests = mini.server.requests.length;
  const result = await mini.build(places, [], { command: mounts.onMachine('lost', program) });
  const codes = result.events.flatMap((event) => (event.type === 'build.failed' ? [event.error.code] : []));
  expect(`${codes.join()} ${result.stderr}`).toContain('ICT_HOST_FILE_SYSTEM');
  expect(result.status).toBe(7);
  expect(mini.server.requests.length).toBe(requests);
});
