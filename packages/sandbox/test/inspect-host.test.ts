import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, lutimesSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostArchitecture, type Architecture } from '@ict/plugin-api';
import { freeSpace, inspectHost, type FileSystemState, type FirmwareFiles, type MachineNeeds } from '../src/index.js';
import { programPath } from '../src/programs.js';
import { eventually, processesWith } from './processes.js';

const built = new URL('../dist/index.js', import.meta.url).href;

const NOBODY = 65_534;

/** A machine of qemu without firmware. */
const MACHINE: MachineNeeds = {
  program: 'qemu-system-x86_64',
  package: 'qemu-system-x86',
  firmware: [],
  firmwarePackage: 'ovmf',
  native: true,
};

/** Looks at the host until it is told to stop, and says what then became of it. */
const STOPPED = `
  const { inspectHost } = await import(process.argv[1]);
  const [place, path] = process.argv.slice(2);
  const controller = new AbortController();
  process.stdin.once('data', () => controller.abort(new Error('stop')));
  const directories = [{ path: place, wantedBytes: 0, trees: true }];
  console.log(await inspectHost({ purpose: 'build', path, directories, signal: controller.signal }).then(() => 'nothing', (error) => error.message));
`;

describe('inspectHost', () => {
  it('finds on this machine what the other tests use, and leaves nothing behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    const checks = await inspectHost({ purpose: 'build', directories: [{ path: directory, wantedBytes: 1 }] });
    expect(checks.filter(({ required, ok }) => required && !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', 'program unshare', 'program tar', 'overlay', 'free space']),
    );
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });

  it('gives a remedy with each failure, and only then', async () => {
    const directories = [{ path: '/no/such/place', wantedBytes: Number.MAX_SAFE_INTEGER }];
    const checks = [
      ...(await inspectHost({ purpose: 'build', directories })),
      ...(await inspectHost({ purpose: 'boot', machine: MACHINE })),
    ];
    expect(checks.find(({ name }) => name === 'free space')).toMatchObject({ ok: false });
    for (const { ok, remedy, detail } of checks) {
      expect(remedy === undefined).toBe(ok);
      expect(detail).not.toBe('');
    }
  });

  it('says what is missing when the path has no programs', async () => {
    const checks = await inspectHost({ purpose: 'boot', machine: MACHINE, path: '/no/such' });
    expect(checks.find(({ name }) => name === 'program qemu-system-x86_64')).toEqual({
      name: 'program qemu-system-x86_64',
      ok: false,
      detail: 'qemu-system-x86_64 is not in /no/such',
      remedy: 'sudo apt-get install --yes qemu-system-x86',
      required: true,
    });
  });

  it('finds the first firmware that has both of its files', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    try {
      const place = (name: string) => ({ code: join(directory, `${name}.code`), variables: join(directory, `${name}.vars`) });
      const [half, whole] = [place('half'), place('whole')];
      for (const file of [half.code, whole.code, whole.variables]) writeFileSync(file, '');
      const found = async (firmware: readonly FirmwareFiles[]) =>
        (await inspectHost({ purpose: 'boot', machine: { ...MACHINE, firmware } })).filter(({ name }) => name.startsWith('firmware '));
      expect((await found([half, whole])).map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
        ['firmware code', true, whole.code],
        ['firmware variables', true, whole.variables],
      ]);
      expect((await found([half])).map(({ ok, remedy }) => [ok, remedy])).toEqual(
        Array(2).fill([false, 'sudo apt-get install --yes ovmf']),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('speaks of KVM only for machines of its own architecture', async () => {
    const names = async (native: boolean) =>
      (await inspectHost({ purpose: 'boot', machine: { ...MACHINE, native } })).map(({ name }) => name);
    expect(await names(true)).toContain('kvm');
    expect(await names(false)).not.toContain('kvm');
  });

  it('tries programs of another architecture, and says what they need', async () => {
    const place = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    try {
      const trees = join(place, 'trees');
      mkdirSync(trees);
      // Stands in for a kernel that knows an emulator, or none.
      const answer = (status: number): void => writeFileSync(join(place, 'unshare'), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
      const foreign = hostArchitecture() === 'aarch64' ? 'x86_64' : 'aarch64';
      const found = async (architecture: Architecture) =>
        (
          await inspectHost({ purpose: 'build', architecture, path: place, directories: [{ path: trees, wantedBytes: 0, trees: true }] })
        ).find(({ name }) => name === 'architecture');
      answer(1);
      expect(await found(foreign)).toMatchObject({ ok: false, required: true, remedy: 'sudo apt-get install --yes qemu-user-static' });
      expect(await found(hostArchitecture() as Architecture)).toBeUndefined();
      answer(0);
      expect(await found(foreign)).toMatchObject({ ok: true, detail: expect.stringContaining(foreign) as string });
      expect(readdirSync(trees)).toEqual([]);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it('names a directory that refuses files, and tries overlays elsewhere', async () => {
    // The kernel lets nobody, not even root, make files there.
    const directories = [{ path: '/proc', wantedBytes: 0, trees: true }];
    const checks = await inspectHost({ purpose: 'build', directories });
    expect(checks.find(({ name }) => name === 'directory')).toMatchObject({ ok: false, required: true });
    expect(checks.find(({ name }) => name === 'overlay')).toMatchObject({ ok: true });
  });

  it('tries overlays where a directory will be made', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    try {
      const directories = [{ path: join(parent, 'not', 'there'), wantedBytes: 0, trees: true }];
      const checks = await inspectHost({ purpose: 'build', directories });
      expect(checks.find(({ name }) => name === 'overlay')).toMatchObject({ ok: true, detail: `Overlay trees work in ${parent}` });
      expect(readdirSync(parent)).toEqual([]);
    } finally {
      rmSync(parent, { recursive: true });
    }
  });

  it('removes what trials left that were killed with their ict, and nothing that may be in use', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    try {
      const [killed, runs] = ['.ict-host-trial-killed', '.ict-host-trial-runs00'];
      const others = ['.ict-host-trial-of-mine', 'mine'];
      const [file, link] = ['.ict-host-trial-report', '.ict-host-trial-linked'];
      const place = (name: string): string => join(directory, name);
      for (const name of [killed, runs, ...others]) mkdirSync(join(place(name), 'work', 'work'), { recursive: true });
      writeFileSync(place(file), '');
      symlinkSync(link, place(link));
      for (const name of [killed, ...others, file, link]) lutimesSync(place(name), 0, 0);
      const checks = await inspectHost({ purpose: 'build', directories: [{ path: directory, wantedBytes: 0, trees: true }] });
      expect(checks.find(({ name }) => name === 'overlay')).toMatchObject({ ok: true });
      expect(readdirSync(directory).sort()).toEqual([runs, ...others, file, link].sort());
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('names a directory that cannot be made, and not the room that it would have', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const paths = [file, join(file, 'a'), join(file, 'a', 'b'), join(directory, 'new', 'one')];
    const checks = await inspectHost({ purpose: 'build', directories: paths.map((path) => ({ path, wantedBytes: 1 })) });
    const told = checks.filter(({ name }) => name === 'directory' || name === 'free space').map(({ name, detail }) => [name, detail]);
    expect(told).toEqual([
      ...[file, join(file, 'a'), join(file, 'a', 'b')].map((path) => ['directory', `${path} cannot be made: ${file} is no directory`]),
      ['free space', expect.stringContaining(`${directory}/new/one has`)],
    ]);
    expect(readdirSync(directory)).toEqual(['file']);
    rmSync(directory, { recursive: true });
  });

  it('tells of a directory for the result what its user can do: name another one', async () => {
    const place = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
    const file = join(place, 'file');
    writeFileSync(file, '');
    const outputs = [file, '/dev/null', '/proc/x', '/proc', join(place, 'new')].map((path) => ({ path, wantedBytes: 1, output: true }));
    const checks = await inspectHost({ purpose: 'build', directories: [...outputs, { path: place, wantedBytes: 1e18, output: true }] });
    const told = checks.filter(({ name }) => ['output', 'directory', 'free space'].includes(name));
    expect(told.map(({ name, ok, detail }) => [name, ok, detail])).toEqual([
      ['output', false, `${file} cannot be made: ${file} is no directory`],
      ['output', false, '/dev/null cannot be made: /dev/null is no directory'],
      ['output', false, expect.stringMatching(/^\/proc\/x cannot be made: .*\/proc/)],
      ['output', false, expect.stringContaining('/proc')],
      ['free space', true, expect.stringContaining(join(place, 'new'))],
      ['free space', false, expect.stringContaining(place)],
    ]);
    for (const { ok, remedy } of told) if (!ok) expect(remedy).toMatch(/--output/);
    for (const { ok, remedy } of told) if (!ok) expect(remedy).not.toMatch(/--cache-dir/);
    expect(readdirSync(place)).toEqual(['file']);
    rmSync(place, { recursive: true });
  });

  describe('where trees are made', () => {
    const local: FileSystemState = { type: 0xef53, bavail: 100, blocks: 100, bsize: 4096 };
    const place = { path: tmpdir(), wantedBytes: 0, trees: true };
    const inspect = (type: number, trees = true) =>
      inspectHost({ purpose: 'build', directories: [{ ...place, trees }], fileSystem: async () => ({ ...local, type }) });

    it.each([
      ['NFS', 0x6969],
      ['SMB', 0xfe534d42],
      ['CIFS', 0xff534d42],
      ['CIFS', 0xff534d42 | 0], // the same number with a sign
      ['9p', 0x01021997],
      ['Ceph', 0x00c36400],
      ['AFS', 0x5346414f],
      ['an overlay', 0x794c7630],
    ])('refuses %s by its name (%d), without a trial', async (name, type) => {
      const checks = await inspect(type);
      expect(checks.filter(({ ok }) => !ok)).toEqual([
        {
          name: 'file system',
          ok: false,
          required: true,
          detail: `${tmpdir()} lies on ${name}, where an overlay cannot keep what is written`,
          remedy: expect.stringContaining('--work-dir') as string,
        },
      ]);
      expect(checks.map((check) => check.name)).not.toContain('overlay');
    });

    it.each([0xef53, 0x58465342, 0x9123683e, 0x01021994])('tries overlays on other kinds (%d)', async (type) => {
      expect((await inspect(type)).find(({ name }) => name === 'overlay')).toMatchObject({ ok: true });
    });

    it('asks nothing of directories that only take files', async () => {
      expect((await inspect(0x6969, false)).map(({ name }) => name)).not.toContain('file system');
    });

    it('knows an overlay that is one', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'ict-doctor-test-'));
      const script = `cd "$1" && mkdir lower upper work merged && mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work overlay merged
        stat --file-system --format %t merged`;
      const argv = ['--user', '--map-root-user', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', directory];
      const type = Number.parseInt(spawnSync('unshare', argv).stdout.toString(), 16);
      rmSync(directory, { recursive: true });
      expect((await inspect(type)).find(({ name }) => name === 'file system')?.detail).toContain('an overlay');
    });
  });

  it('stops on a signal', async () => {
    await expect(inspectHost({ purpose: 'build', signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });

  it('leaves neither files nor processes when it is stopped while an overlay is mounted', async () => {
    const [directory, programs] = ['place', 'programs'].map((name) => mkdtempSync(join(tmpdir(), `ict-doctor-test-${name}-`)));
    try {
      // The first program of the trial that finds the overlay mounted stays there.
      const started = join(programs as string, 'started');
      writeFileSync(join(programs as string, 'rm'), `#!/bin/sh\n: > '${started}'\nexec sleep 40507\n`, { mode: 0o755 });
      const argv = [process.execPath, '--input-type=module', '-e', STOPPED, built, directory, `${programs}:${programPath(undefined)}`];
      // Root may remove anything, whatever its mode, so it becomes nobody, who may read its modules all the same.
      const root = process.geteuid?.() === 0;
      if (root) for (const each of [directory, programs]) chownSync(each as string, NOBODY, NOBODY);
      const powers = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search'];
      const powerless = root ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...powers, '--'] : [];
      const [program, ...rest] = [...powerless, ...argv];
      const child = spawn(program as string, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
      let said = '';
      child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
      const ended = once(child, 'close');
      // Within the time that a trial has.
      await eventually(() => existsSync(started), 60_000);
      child.stdin.end('stop');
      await ended;
      expect(said).toBe('stop\n');
      expect(readdirSync(directory as string)).toEqual([]);
      await eventually(() => processesWith('40507').length === 0);
    } finally {
      for (const each of [directory, programs]) rmSync(each as string, { recursive: true });
    }
  });
});

it.each(['/no/such/place', '/etc/passwd/below/a/file'])('measures the file system that %s would be on', async (path) => {
  const { availableBytes, totalBytes } = await freeSpace(path);
  expect(availableBytes).toBeGreaterThan(0);
  expect(availableBytes).toBeLessThanOrEqual(totalBytes);
});
