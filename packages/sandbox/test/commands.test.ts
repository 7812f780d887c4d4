import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox, type SandboxTree } from '../src/index.js';
import { makeBase, makeHostTree } from './host-tree.js';
import { parseMountTable } from '../src/agent/mount-table.js';
import { eventually, processesWith } from './processes.js';

const base = makeBase();
let sandbox: Sandbox;
let tree: SandboxTree;

beforeAll(async () => {
  makeHostTree(join(base, 'low'));
  sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
  tree = await open(new AbortController().signal);
});

afterAll(async () => {
  await sandbox.close();
  expect(readdirSync(base)).toEqual(['low']);
  rmSync(base, { recursive: true });
});

function open(signal: AbortSignal): Promise<SandboxTree> {
  return sandbox.openTree({ lowers: [join(base, 'low')], epochSeconds: 1_000_000_000, signal });
}

const sh = (script: string, more: object = {}): Promise<{ exitCode: number; stdout: string; stderr: string }> =>
  tree.run({ argv: ['/bin/sh', '-c', script], env: { PATH: '/usr/bin:/bin' }, ...more });

describe('what a command gets', () => {
  it('is exactly the given environment', async () => {
    const env = { A: 'b c\nd', 'ODD.NAME': '$(id)', EMPTY: '' };
    const { stdout } = await tree.run({ argv: ['/usr/bin/perl', '-e', 'print join "|", map {"$_=$ENV{$_}"} sort keys %ENV'], env });
    expect(stdout).toBe('A=b c\nd|EMPTY=|ODD.NAME=$(id)');
  });

  it('keeps loader variables away from the programs of the host', async () => {
    const { stdout, stderr } = await sh('env', { env: { PATH: '/usr/bin:/bin', LD_PRELOAD: '' } });
    expect(stdout).toContain('LD_PRELOAD=');
    const preload = await sh('echo in', { env: { PATH: '/usr/bin:/bin', LD_PRELOAD: '/no/such.so' } });
    expect(preload.stdout).toBe('in\n');
    expect(stderr + preload.stderr).not.toContain('unshare');
  });

  it.each([
    '$(touch /owned)',
    '; touch /owned',
    '`touch /owned`',
    "'; touch /owned; '",
    '"&& touch /owned',
    '--help',
    '-',
    '\n touch /owned',
  ])('is the argument %j, uninterpreted', async (argument) => {
    const { stdout } = await tree.run({ argv: ['/usr/bin/perl', '-e', 'print @ARGV', '--', argument], env: { X: argument }, cwd: '/' });
    expect(stdout).toBe(argument);
    expect(await tree.stat('/owned')).toBeUndefined();
    expect(existsSync('/owned')).toBe(false);
  });

  it('is its input, its directory, a umask of 022 and no terminal', async () => {
    await tree.makeDirectory('/a dir/$x');
    const { stdout } = await sh('cat; pwd; umask; (: < /dev/tty) 2>/dev/null || echo none', { stdin: 'line\n', cwd: '/a dir/$x' });
    expect(stdout).toBe('line\n/a dir/$x\n0022\nnone\n');
  });

  it('is an input that can be opened by name, also by another user', async () => {
    const { stdout } = await sh('cat /dev/stdin', { stdin: 'line\n' });
    expect(stdout).toBe('line\n');
    const script = '$) = $( = 1; $> = $< = 1; open F, "/dev/stdin" or die $!; print <F>';
    expect((await tree.run({ argv: ['/usr/bin/perl', '-e', script], stdin: 'line\n' })).stdout).toBe('line\n');
  });

  it('is no descriptor of the sandbox', async () => {
    const script = 'opendir D, "/proc/self/fd"; print join " ", sort grep /^[3-9]$|^1.$/, readdir D';
    const { stdout } = await tree.run({ argv: ['/usr/bin/perl', '-e', script] });
    // 3 is the directory that is being read.
    expect(stdout).toBe('3');
  });

  it('is outputs that can be opened by name', async () => {
    const { stdout, stderr } = await sh('echo out > /dev/stdout; echo err > /dev/stderr');
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
  });

  it('is a network with nothing in it, unless it asks', async () => {
    const alone = await sh('cat /proc/net/dev; ls /sys/class/net');
    expect(alone.stdout.match(/^\s*\w+:/gm)).toEqual(['    lo:']);
    const asking = sh('cat /proc/net/dev', { network: true });
    // Only root can enter the host's network: others are told, never left without it in silence.
    if (process.geteuid?.() !== 0) await expect(asking).rejects.toMatchObject({ code: 'ICT_SANDBOX_NETWORK' });
    else expect((await asking).stdout.match(/^\s*\w+:/gm)).toEqual(readFileSync('/proc/net/dev', 'utf8').match(/^\s*\w+:/gm));
    expect(await tree.stat('/etc/resolv.conf')).toBeUndefined();
  });

  it('is the same host name everywhere', async () => {
    expect((await sh('cat /proc/sys/kernel/hostname')).stdout).toBe('localhost\n');
  });
});

describe('what a command cannot do', () => {
  it('leaves no process behind', async () => {
    await sh('setsid sleep 40417 >/dev/null 2>&1 & (setsid sh -c "sleep 40417 & sleep 40417" & ) ; :');
    expect(processesWith('40417')).toEqual([]);
  });

  it('does not reach the host through a nested chroot', async () => {
    const script =
      'mkdir "esc"; chroot "esc" or die; chdir ".." for 1..99; chroot "." or die; print -e "/etc/os-release" ? "host" : "tree", -e "/usr/bin/perl" ? 1 : 0';
    const { stdout } = await tree.run({ argv: ['/usr/bin/perl', '-e', script] });
    expect(stdout).toBe('tree1');
  });

  it.each([
    ['change the kernel', 'echo x > /proc/sys/kernel/hostname'],
    ['open a device that it made', 'mknod /blk b 254 0 && cat /blk'],
    ['open a device that it made in /dev', 'mknod /dev/blk b 254 0 && cat /dev/blk'],
    ['write to sysfs', 'mkdir /sys/x'],
    ['mount', 'mount -n -i -t tmpfs tmpfs /etc'],
  ])('%s', async (_what, script) => {
    const { exitCode } = await sh(script, { accept: [0, 1, 2, 32] });
    expect(exitCode).not.toBe(0);
  });
});

it('finds read-only what changes the host in /proc', async () => {
  const parts = ['acpi', 'asound', 'bus', 'dynamic_debug', 'fs', 'irq', 'scsi', 'sys', 'sysrq-trigger'];
  const there = parts.map((name) => `/proc/${name}`).filter((path) => existsSync(path));
  const mounts = parseMountTable((await sh('cat /proc/self/mountinfo')).stdout);
  const readOnly = mounts.filter(({ options }) => options.includes('ro')).map(({ path }) => path);
  expect(readOnly).toEqual(expect.arrayContaining(there));
});

describe('outcomes', () => {
  it('tells of a failure with its last lines', async () => {
    await expect(sh('echo one; echo two >&2; exit 3')).rejects.toMatchObject({
      code: 'ICT_COMMAND_FAILED',
      message: expect.stringMatching(/ended with status 3:\none\ntwo$/) as string,
      hint: expect.stringContaining('last lines') as string,
      facts: { exitCode: 3, lastLines: ['one', 'two'], argv: ['/bin/sh', '-c', 'echo one; echo two >&2; exit 3'] },
    });
  });

  it.each([
    [
      'both outputs have much to say',
      'seq 1 30; seq 101 130 >&2',
      [21, 22, 23, 24, 25, 26, 27, 28, 29, 30],
      [121, 122, 123, 124, 125, 126, 127, 128, 129, 130],
    ],
    ['one says little', 'echo 1; seq 101 130 >&2', [1], Array.from({ length: 19 }, (_, index) => 112 + index)],
    ['the other says little', 'seq 1 30; echo 101 >&2', Array.from({ length: 19 }, (_, index) => 12 + index), [101]],
  ])('tells twenty lines of a failure: %s', async (_what, script, stdout, stderr) => {
    await expect(sh(`${script}; exit 3`)).rejects.toMatchObject({ facts: { lastLines: [...stdout, ...stderr].map(String) } });
  });

  it('promises no lines of a failure that printed none', async () => {
    const error: unknown = await sh('exit 7').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ICT_COMMAND_FAILED',
      hint: expect.stringMatching(/printed nothing/) as string,
      facts: { lastLines: [] },
    });
    expect((error as Error).message).toMatch(/ended with status 7$/);
  });

  it('accepts the statuses that it is told to', async () => {
    expect((await sh('exit 3', { accept: [3] })).exitCode).toBe(3);
  });

  it('gives 128 and the signal number for a death by signal', async () => {
    expect((await sh('sh -c "kill -9 \\$\\$"; exit $?', { accept: [137] })).exitCode).toBe(137);
  });

  it('gives 127 for a program that is not there', async () => {
    await expect(tree.run({ argv: ['no-such-program'] })).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED', facts: { exitCode: 127 } });
  });

  it.each([
    [[], {}],
    [[''], {}],
    [['a\0b'], {}],
    [['a'], { 'X=Y': '' }],
    [['a'], { '': '' }],
    [['a'], { X: '\0' }],
    [['a', 'x'.repeat(200_000)], {}],
  ])('refuses what cannot be passed (%#)', async (argv, env) => {
    await expect(tree.run({ argv, env })).rejects.toMatchObject({ code: 'ICT_SANDBOX_COMMAND' });
  });

  it.each(['/no/such', '/bin/sh', 'relative', '/a/../b'])('refuses the directory %s', async (cwd) => {
    await expect(tree.run({ argv: ['/bin/ls'], cwd })).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  });

  it('hands out lines in order as they come, and keeps the end of large outputs', async () => {
    const lines: string[] = [];
    const result = await sh('seq 1 200000; echo warning >&2', {
      onLine: (line: string, stream: string) => void lines.push(`${stream} ${line}`),
    });
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(Array.from({ length: 200_000 }, (_, index) => `stdout ${index + 1}`));
    expect(lines).toContain('stderr warning');
    expect(result.stdout.length).toBe(256 * 1024);
    expect(result.stdout.endsWith('199999\n200000\n')).toBe(true);
  });

  it('takes a large input that the command does not read', async () => {
    expect((await sh('exit 0', { stdin: 'x'.repeat(5_000_000) })).exitCode).toBe(0);
    expect((await sh('perl -e "print length join q(), <STDIN>"', { stdin: 'x'.repeat(5_000_000) })).stdout).toBe('5000000');
  });

  it('fails the call whose callback throws', async () => {
    const failure = new Error('mine');
    const onLine = (): void => {
      throw failure;
    };
    await expect(sh('echo x', { onLine })).rejects.toBe(failure);
  });

  it('runs commands side by side', async () => {
    const outputs = await Promise.all(Array.from({ length: 12 }, (_, index) => sh(`echo ${index}`)));
    expect(outputs.map(({ stdout }) => Number(stdout))).toEqual(Array.from({ length: 12 }, (_, index) => index));
  });
});

describe('stopping', () => {
  it('kills what an aborted command started, then rejects with the reason', async () => {
    const controller = new AbortController();
    const other = await open(controller.signal);
    const running = other.run({
      argv: ['/bin/sh', '-c', 'setsid sleep 40418 & echo up; sleep 40418'],
      env: { PATH: '/bin:/usr/bin' },
      onLine: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(processesWith('40418')).toEqual([]);
    await expect(other.run({ argv: ['/bin/ls'] })).rejects.toThrow('enough');
    await other.close();
  });

  it('kills a command that left its session and changed its user, which unshare does not take with it', async () => {
    const controller = new AbortController();
    const other = await open(controller.signal);
    const running = other.run({
      argv: ['/usr/bin/setsid', '/usr/bin/perl', '-e', '$) = $( = 1; $> = $< = 1; $| = 1; print "up\n"; exec "/bin/sleep", "40420"'],
      onLine: () => controller.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
    expect(processesWith('40420')).toEqual([]);
    await other.close();
  });

  it('ends commands when their tree closes', async () => {
    const other = await open(new AbortController().signal);
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const running = other.run({ argv: ['/bin/sh', '-c', 'echo up; exec sleep 40419'], env: { PATH: '/bin' }, onLine: () => resolve() });
    const outcome = expect(running).rejects.toMatchObject({ code: 'ICT_SANDBOX_CLOSED' });
    await up;
    await other.close();
    await outcome;
    await other.close();
    await expect(other.stat('/')).rejects.toMatchObject({ code: 'ICT_SANDBOX_CLOSED' });
  });
});

describe('tools', () => {
  it('run one after another in one view, until one fails', async () => {
    const signal = new AbortController().signal;
    const sh = (text: string): readonly string[] => ['/bin/sh', '-c', text];
    const run = (...[first = [], ...following]: readonly (readonly string[])[]) =>
      sandbox.runTool({ lowers: [join(base, 'low')], mounts: [], command: { argv: first, env: { PATH: '/bin' } }, following, signal });
    expect((await run(sh('echo one > /kept'), sh('read -r kept < /kept; echo "$kept"'))).stdout).toBe('one\n');
    await expect(run(sh('exit 3'), sh('echo never'))).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED', facts: { exitCode: 3 } });
    expect(existsSync(join(base, 'low', 'kept'))).toBe(false);
  });

  it('get each word as it is, however many there are, and fail by their own name', async () => {
    const words = ['', ' a  b ', "it's", '"', '\\', '$HOME', '${1}', '$(exit 7)', '`', '*', '#', '\n', '-n', 'é', 'last'];
    const print = ['/bin/sh', '-c', 'for word; do printf "<%s>" "$word"; done', 'sh', ...words];
    const tool = (accept: readonly number[], ...following: readonly (readonly string[])[]) =>
      sandbox.runTool({
        lowers: [join(base, 'low')],
        mounts: [],
        command: { argv: print, env: { PATH: '/bin' }, accept },
        following,
        signal: new AbortController().signal,
      });
    const fails = ['/bin/sh', '-c', 'exit 3'];
    const shown = words.map((word) => `<${word}>`).join('');
    expect(await tool([0, 3], fails, print)).toEqual({ exitCode: 0, stdout: shown + shown, stderr: '' });
    expect(await tool([0, 3], print, fails)).toMatchObject({ exitCode: 3 });
    await expect(tool([0], fails, print)).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED', facts: { argv: fails, exitCode: 3 } });
    await expect(tool([0], print, ['/no/such'])).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED', facts: { argv: ['/no/such'] } });
  });

  it('see host files and trees where they ask', async () => {
    mkdirSync(join(base, 'low', 'data'));
    const host = makeBase();
    writeFileSync(join(host, 'in.txt'), 'host');
    const signal = new AbortController().signal;
    const result = await sandbox.runTool({
      lowers: [join(base, 'low')],
      mounts: [
        { source: join(host, 'in.txt'), at: '/mnt/in.txt', writable: false },
        { source: host, at: '/mnt/out', writable: true },
        { source: host, at: '/mnt/ro', writable: false },
        { source: { lowers: [join(base, 'low')] }, at: '/mnt/tree', writable: false },
        { source: { lowers: [join(base, 'low'), join(base, 'low')].slice(1) }, at: '/mnt/scratch', writable: true },
        { source: { lowers: [] }, at: '/mnt/nothing', writable: false },
      ],
      command: {
        argv: [
          '/bin/sh',
          '-c',
          'cat /mnt/in.txt; echo made > /mnt/out/o; ls /mnt/tree/bin/sh /mnt/nothing; echo x > /mnt/scratch/data/n; ' +
            'for f in /mnt/ro/n /mnt/in.txt /mnt/tree/data/n; do (echo x > $f) 2>/dev/null || echo read-only; done',
        ],
        env: { PATH: '/bin' },
      },
      signal,
    });
    expect(result.stdout).toBe('host/mnt/tree/bin/sh\n\n/mnt/nothing:\nread-only\nread-only\nread-only\n');
    expect(readFileSync(join(host, 'o'), 'utf8')).toBe('made\n');
    expect(readdirSync(join(base, 'low', 'data'))).toEqual([]);
    await sandbox.removeTree(host);
    expect(existsSync(host)).toBe(false);
  });
});

it('opens many layers whose names need care', async () => {
  const lowers = Array.from({ length: 120 }, (_, index) => {
    const lower = join(base, `lay,er:${index} \\ ${'x'.repeat(100)}`);
    mkdirSync(lower);
    writeFileSync(join(lower, 'top'), String(index));
    writeFileSync(join(lower, `f${index}`), '');
    return lower;
  });
  const many = await sandbox.openTree({ lowers, epochSeconds: 0, signal: new AbortController().signal });
  expect(Buffer.from((await many.read('/top')) ?? []).toString()).toBe('119');
  expect((await many.list('/')).filter(({ path }) => /^\/f\d+$/.test(path))).toHaveLength(120);
  await many.close();
  for (const lower of lowers) await sandbox.removeTree(lower);
});

it('says which layer is missing, and takes no mount of nothing', async () => {
  const { signal } = new AbortController();
  const opening = sandbox.openTree({ lowers: [join(base, 'low'), join(base, 'none')], epochSeconds: 0, signal });
  await expect(opening).rejects.toMatchObject({ code: 'ICT_SANDBOX_MOUNT', facts: { errno: 'ENOENT' } });
  await expect(tree.mount({ path: join(base, 'none') }, '/mnt', false)).rejects.toMatchObject({ code: 'ICT_TREE_IO' });
});

it('refuses a tree whose mount points lead elsewhere', async () => {
  const lower = join(base, 'bad');
  mkdirSync(lower);
  symlinkSync('/etc', join(lower, 'tmp'));
  const opening = sandbox.openTree({ lowers: [lower], epochSeconds: 0, signal: new AbortController().signal });
  await expect(opening).rejects.toMatchObject({ code: 'ICT_SANDBOX_MOUNT', facts: { path: '/tmp' } });
  rmSync(lower, { recursive: true });
});

it('shows the helper that finds processes works', async () => {
  const controller = new AbortController();
  const other = await open(controller.signal);
  const running = other.run({ argv: ['/bin/sleep', '40420'] });
  const outcome = expect(running).rejects.toThrow();
  await eventually(() => processesWith('40420').length > 0);
  controller.abort(new Error('done'));
  await outcome;
  expect(processesWith('40420')).toEqual([]);
  await other.close();
});
