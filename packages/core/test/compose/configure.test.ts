import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { IctError } from '@ict/plugin-api';
import type { FileSpec, SystemSpec, TreeCommand, TreeSession, UserSpec } from '@ict/plugin-api';
import { fakeContext, memoryTree, type FakeContext, type MemoryTree, type MemoryTreeContent } from '@ict/plugin-testkit';
import { configurationKey, configureTree, gatherConfiguration } from '../../src/compose/configure.js';
import { sampleSpec } from '../support/sample-image.js';

let place: string;
let ctx: FakeContext;
beforeEach(async () => {
  ctx = fakeContext({ epochSeconds: 1_700_000_000 });
  place = await mkdtemp(join(tmpdir(), 'ict-configure-'));
});
afterEach(async () => {
  await ctx[Symbol.asyncDispose]();
  await rm(place, { recursive: true });
});

const ACCOUNTS = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n',
  '/etc/group': 'root:x:0:\ndaemon:x:1:\nsudo:x:27:\nvideo:x:44:\n',
  '/bin/bash': '',
};

/** Stands for useradd: enters the account that the argv names. */
async function useradd({ argv }: TreeCommand, tree: TreeSession): Promise<object> {
  if (argv[0] === 'useradd') {
    const passwd = new TextDecoder().decode(await tree.read('/etc/passwd'));
    const home = argv.includes('--home-dir') ? argv[argv.indexOf('--home-dir') + 1] : `/home/${String(argv.at(-1))}`;
    await tree.write('/etc/passwd', `${passwd}${String(argv.at(-1))}:x:1000:1001::${home}:/bin/sh\n`);
  }
  return {};
}

async function configured(system: Partial<SystemSpec>, files: Readonly<Record<string, MemoryTreeContent>> = ACCOUNTS): Promise<MemoryTree> {
  const tree = memoryTree({ files, run: useradd });
  await configureTree(await gatherConfiguration(sampleSpec(system), {}), tree, ctx);
  return tree;
}

const text = async (tree: MemoryTree, path: string): Promise<string> => new TextDecoder().decode(await tree.read(path));
const argvs = (tree: MemoryTree) => tree.commands.map(({ argv }) => argv);
const ENVIRONMENT = {
  PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: '1700000000',
};

describe('hostname', () => {
  const LOCAL = '127.0.0.1\tlocalhost\n';
  it.each([
    ['a new hosts file', 'box', undefined, `${LOCAL}::1\t\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\tbox\n`],
    ['an existing one', 'box', LOCAL, `${LOCAL}127.0.1.1\tbox\n`],
    ['an existing one without an end of line', 'box', LOCAL.trimEnd(), `${LOCAL}127.0.1.1\tbox\n`],
    ['an earlier name', 'box', `${LOCAL}127.0.1.1\told\n`, `${LOCAL}127.0.1.1\tbox\n`],
    ['a full name', 'box.example.org', LOCAL, `${LOCAL}127.0.1.1\tbox.example.org box\n`],
  ])('goes into %s', async (_what, hostname, hosts, expected) => {
    const tree = await configured({ hostname }, hosts === undefined ? {} : { '/etc/hosts': hosts });
    expect(await text(tree, '/etc/hostname')).toBe(`${hostname}\n`);
    expect(await text(tree, '/etc/hosts')).toBe(expected);
  });

  it('is left alone when the template names none', async () => {
    expect((await configured({}, {})).listing()).toEqual([]);
  });
});

describe('files', () => {
  async function placed(parts: Partial<FileSpec>, sourceMode = 0o640): Promise<string | undefined> {
    const source = join(place, 'source');
    await writeFile(source, 'content');
    await chmod(source, sourceMode);
    const tree = await configured({ files: [{ source, target: '/opt/app/file', ...parts }] });
    const { mode, uid, gid } = (await tree.stat('/opt/app/file')) ?? {};
    return `${await text(tree, '/opt/app/file')} ${mode?.toString(8)} ${uid}:${gid}`;
  }

  it.each<[string, Partial<FileSpec>, string]>([
    ['the mode of their source, and root', {}, 'content 640 0:0'],
    ['their own mode', { mode: 0o4755 }, 'content 4755 0:0'],
    ['owner and group by name', { owner: 'daemon', group: 'video' }, 'content 640 1:44'],
    ['owner and group by number', { owner: '1234', group: '5' }, 'content 640 1234:5'],
  ])('have %s', async (_what, parts, expected) => {
    expect(await placed(parts)).toBe(expected);
  });

  it('do not take set-id bits of their source along', async () => {
    expect(await placed({}, 0o4755)).toBe('content 755 0:0');
  });

  it.each<[string, Partial<FileSpec>]>([
    ['owner', { owner: 'nobody' }],
    ['group', { group: 'nogroup' }],
    ['group that is only a user', { group: 'dae' }],
  ])('are refused with an unknown %s', async (_what, parts) => {
    await expect(placed(parts)).rejects.toMatchObject({ code: 'ICT_FILE_OWNER_UNKNOWN' });
  });

  it('may belong to a user that the template creates', async () => {
    const source = join(place, 'source');
    await writeFile(source, 'content');
    const tree = await configured({ users: [user({})], files: [{ source, target: '/f', owner: 'ada' }] });
    expect(await tree.stat('/f')).toMatchObject({ uid: 1000, gid: 0 });
  });
});

function user(parts: Partial<UserSpec>): UserSpec {
  return { name: 'ada', groups: [], sudo: false, sshKeys: [], ...parts };
}

describe('users', () => {
  const create = ['useradd', '--create-home'];
  const SET_PASSWORD = ['chpasswd', '--encrypted'];
  it.each<[string, Partial<UserSpec>, readonly (readonly string[])[]]>([
    ['a locked user', {}, [[...create, '--shell', '/bin/bash', '--', 'ada']]],
    ['a password', { passwordHash: '$6$salt$hash' }, [[...create, '--shell', '/bin/bash', '--', 'ada'], SET_PASSWORD]],
    ['home and shell', { home: '/srv/ada', shell: '/bin/sh' }, [[...create, '--home-dir', '/srv/ada', '--shell', '/bin/sh', '--', 'ada']]],
    [
      'groups and sudo',
      { groups: ['video', 'sudo'], sudo: true },
      [[...create, '--shell', '/bin/bash', '--groups', 'video,sudo', '--', 'ada']],
    ],
    [
      'groups that are not there',
      { groups: ['plugdev', 'video'] },
      [
        ['groupadd', 'plugdev'],
        [...create, '--shell', '/bin/bash', '--groups', 'plugdev,video', '--', 'ada'],
      ],
    ],
    [
      'an age of the password',
      { passwordMaxAgeDays: 90 },
      [
        [...create, '--shell', '/bin/bash', '--', 'ada'],
        ['chage', '--maxdays', '90', '--', 'ada'],
      ],
    ],
    ['a user that a package made', { name: 'daemon' }, []],
    [
      'changes of a user that a package made',
      { name: 'daemon', shell: '/bin/sh', passwordHash: '$y$x', groups: ['video'], home: '/srv/d' },
      [['usermod', '--append', '--shell', '/bin/sh', '--groups', 'video', '--home', '/srv/d', '--move-home', '--', 'daemon'], SET_PASSWORD],
    ],
  ])('%s: exactly these programs, no shell, nothing of the host in the environment', async (_what, parts, expected) => {
    const tree = await configured({ users: [user(parts)] });
    expect(argvs(tree)).toEqual(expected);
    expect(tree.commands.every(({ env }) => JSON.stringify(env) === JSON.stringify(ENVIRONMENT))).toBe(true);
  });

  it('get their password through standard input, where no list of processes and no event shows it', async () => {
    const tree = await configured({ users: [user({ passwordHash: '$6$salt$hash' })] });
    expect(tree.commands.map(({ stdin }) => stdin)).toEqual([undefined, 'ada:$6$salt$hash\n']);
  });

  it('get /bin/sh where there is no bash', async () => {
    const files = { '/etc/passwd': ACCOUNTS['/etc/passwd'], '/etc/group': ACCOUNTS['/etc/group'] };
    expect(argvs(await configured({ users: [user({})] }, files))).toEqual([[...create, '--shell', '/bin/sh', '--', 'ada']]);
  });

  it.each([
    ['sudo', 'root:x:0:\nsudo:x:27:\nwheel:x:10:\n'],
    ['wheel', 'root:x:0:\nwheel:x:10:\n'],
  ])('use sudo through the group %s', async (group, groups) => {
    const tree = await configured({ users: [user({ sudo: true })] }, { ...ACCOUNTS, '/etc/group': groups });
    expect(argvs(tree)[0]).toContain(group);
  });

  it('are refused sudo in an image without such a group', async () => {
    const work = configured({ users: [user({ sudo: true })] }, { ...ACCOUNTS, '/etc/group': 'root:x:0:\n' });
    await expect(work).rejects.toMatchObject({ code: 'ICT_USER_INVALID', facts: { user: 'ada' } });
  });

  it.each(['useradd', 'groupadd', 'chpasswd', 'chage'])('are named with their line when %s fails', async (program) => {
    const position = { file: '/image.yml', line: 7, column: 5 };
    const failed = new IctError('ICT_COMMAND_FAILED', 'invalid', { message: `${program} exited with 9` });
    const tree = memoryTree({
      files: ACCOUNTS,
      run: async (command, own) => (command.argv[0] === program ? Promise.reject(failed) : useradd(command, own)),
    });
    const users = [user({ groups: ['new'], passwordHash: '$6$salt$hash', passwordMaxAgeDays: 9, position })];
    const configuration = await gatherConfiguration(sampleSpec({ users }), {});
    await expect(configureTree(configuration, tree, ctx)).rejects.toMatchObject({
      code: 'ICT_COMMAND_FAILED',
      message: `a command of user "ada" failed: ${program} exited with 9`,
      facts: { user: 'ada' },
      problems: [{ code: 'ICT_COMMAND_FAILED', position }],
    });
  });

  it('are named with their line when they cannot be made at all', async () => {
    const position = { file: '/image.yml', line: 7, column: 5 };
    const work = configured({ users: [user({ sudo: true, position })] }, { ...ACCOUNTS, '/etc/group': 'root:x:0:\n' });
    await expect(work).rejects.toMatchObject({ problems: [{ code: 'ICT_USER_INVALID', position }] });
  });

  it('get ssh keys that belong to them, which nobody else reads', async () => {
    const tree = await configured({ users: [user({ home: '/srv/ada', sshKeys: ['ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two'] })] });
    expect(await tree.stat('/srv/ada/.ssh')).toMatchObject({ type: 'directory', mode: 0o700, uid: 1000, gid: 1001 });
    expect(await tree.stat('/srv/ada/.ssh/authorized_keys')).toMatchObject({ mode: 0o600, uid: 1000, gid: 1001 });
    expect(await text(tree, '/srv/ada/.ssh/authorized_keys')).toBe('ssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n');
  });

  it('are refused ssh keys when their account did not appear', async () => {
    const tree = memoryTree({ files: ACCOUNTS });
    const configuration = await gatherConfiguration(sampleSpec({ users: [user({ sshKeys: ['key'] })] }), {});
    await expect(configureTree(configuration, tree, ctx)).rejects.toMatchObject({ code: 'ICT_USER_INVALID' });
  });

  it('leave no backups and locks of the account files', async () => {
    const left = {
      '/etc/passwd-': '',
      '/etc/shadow-': '',
      '/etc/group-': '',
      '/etc/gshadow-': '',
      '/etc/subuid-': '',
      '/etc/.pwd.lock': '',
    };
    const tree = await configured({ users: [user({})] }, { ...ACCOUNTS, ...left });
    expect((await tree.list('/etc')).map((entry) => entry.path)).toEqual(['/etc/group', '/etc/passwd']);
  });
});

describe('commands', () => {
  it('run in order after everything else, through the shell of the tree, with a fixed environment and no network', async () => {
    const source = join(place, 'source');
    await writeFile(source, 'content');
    const configurations = [{ command: 'test -e /f' }, { command: 'id ada' }];
    const tree = await configured({ configurations, users: [user({})], files: [{ source, target: '/f' }], hostname: 'box' });
    expect(argvs(tree).map(([program]) => program)).toEqual(['useradd', '/bin/sh', '/bin/sh']);
    for (const [index, { command }] of configurations.entries()) {
      const { argv, env, network, stdin } = tree.commands[index + 1];
      expect({ argv, env, network, stdin }).toEqual({
        argv: ['/bin/sh', '-c', command],
        env: ENVIRONMENT,
        network: undefined,
        stdin: undefined,
      });
    }
  });

  it('show what they print', async () => {
    const tree = memoryTree({ run: () => ({ stdout: 'one\ntwo\n', stderr: 'three\n' }) });
    await configureTree(await gatherConfiguration(sampleSpec({ configurations: [{ command: 'say' }] }), {}), tree, ctx);
    expect(ctx.events).toEqual([
      { type: 'command.start', command: ['/bin/sh', '-c', 'say'] },
      { type: 'command.output', stream: 'stdout', text: 'one' },
      { type: 'command.output', stream: 'stdout', text: 'two' },
      { type: 'command.output', stream: 'stderr', text: 'three' },
    ]);
  });

  it('end the build when one fails: the next does not run', async () => {
    const tree = memoryTree({ run: () => ({ exitCode: 3 }) });
    const configuration = await gatherConfiguration(sampleSpec({ configurations: [{ command: 'a' }, { command: 'b' }] }), {});
    await expect(configureTree(configuration, tree, ctx)).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED' });
    expect(tree.commands).toHaveLength(1);
  });

  it('that fail are told with their line', async () => {
    const tree = memoryTree({ run: ({ argv }) => ({ exitCode: argv.includes('b') ? 3 : 0 }) });
    const position = { file: '/template.yml', line: 9, column: 5 };
    const configuration = await gatherConfiguration(sampleSpec({ configurations: [{ command: 'a' }, { command: 'b', position }] }), {});
    await expect(configureTree(configuration, tree, ctx)).rejects.toMatchObject({
      code: 'ICT_COMMAND_FAILED',
      kind: 'command',
      message: expect.stringMatching(/systemConfig\.configurations failed: .*\bb\b/) as string,
      facts: { exitCode: 3, position },
      problems: [{ code: 'ICT_COMMAND_FAILED', position, severity: 'error' }],
    });
  });
});

it('no value is ever read by a shell of ours: each passes as it is', async () => {
  const nasty = fc.oneof(
    fc.constantFrom('$(touch /x)', '`id`', '"', "'", 'a\nb', '; rm -rf /', '${HOME}', '\\', '--login'),
    fc.string({ minLength: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(nasty, nasty, nasty, async (command, passwordHash, key) => {
      const system = { configurations: [{ command }], users: [user({ passwordHash, sshKeys: [key] })] };
      const tree = await configured(system);
      expect(argvs(tree)).toEqual([
        ['useradd', '--create-home', '--shell', '/bin/bash', '--', 'ada'],
        ['chpasswd', '--encrypted'],
        ['/bin/sh', '-c', command],
      ]);
      expect(await tree.read('/home/ada/.ssh/authorized_keys')).toEqual(new TextEncoder().encode(`${key}\n`));
    }),
  );
});

describe('configurationKey', () => {
  const keyOf = async (system: Partial<SystemSpec>) => JSON.stringify(configurationKey(await gatherConfiguration(sampleSpec(system), {})));
  const filed = async (name: string, content: string, parts: Partial<FileSpec> = {}) => {
    const source = join(place, name);
    await writeFile(source, content);
    return keyOf({ files: [{ source, target: '/f', mode: 0o644, ...parts }] });
  };

  it('is the same wherever a file lies on the host or is named in the template', async () => {
    const position = { file: '/template.yml', line: 1, column: 1 };
    expect(await filed('one', 'same', { position })).toBe(await filed('two', 'same'));
    expect(await filed('one', 'same')).not.toContain(place);
  });

  it.each<[string, string, Partial<FileSpec>]>([
    ['content', 'other', {}],
    ['mode', 'same', { mode: 0o600 }],
    ['owner', 'same', { owner: 'daemon' }],
    ['group', 'same', { group: 'daemon' }],
    ['target', 'same', { target: '/g' }],
  ])('changes with the %s of a file', async (_what, content, parts) => {
    expect(await filed('one', content, parts)).not.toBe(await filed('one', 'same'));
  });

  it('is the same wherever the template has a user', async () => {
    const position = { file: '/image.yml', line: 7, column: 5 };
    expect(await keyOf({ users: [user({ position })] })).toBe(await keyOf({ users: [user({})] }));
  });

  it('has a digest in place of a password', async () => {
    const key = await keyOf({ users: [user({ passwordHash: '$6$salt$hash' })] });
    expect(key).not.toContain('hash');
    expect(key).toMatch(/sha256:[0-9a-f]{64}/);
    expect(key).not.toBe(await keyOf({ users: [user({ passwordHash: '$6$salt$other' })] }));
  });

  it.each<[string, Partial<SystemSpec>]>([
    ['the hostname', { hostname: 'box' }],
    ['a user', { users: [user({})] }],
    ['a password', { users: [user({ passwordHash: '$6$' })] }],
    ['network interfaces', { network: { backend: 'netplan', interfaces: [] } }],
    ['modules of the initrd', { kernel: { cmdline: '', packages: [], extraModules: ['usbcore'] } }],
    ['a command', { configurations: [{ command: 'true' }] }],
    ['the order of commands', { configurations: [{ command: 'true' }, { command: 'false' }] }],
  ])('changes with %s', async (_what, system) => {
    const other = { configurations: [{ command: 'false' }, { command: 'true' }] };
    expect(await keyOf(system)).not.toBe(await keyOf({}));
    expect(await keyOf(system)).not.toBe(await keyOf(other));
  });

  it('has the modules that a format needs beside those of the template, each once', async () => {
    const kernel = { cmdline: '', packages: [], extraModules: ['usbcore', 'erofs'] };
    const spec = sampleSpec({ kernel });
    const modules = async (ofFormat: readonly string[]) => (await gatherConfiguration(spec, { initrdModules: () => ofFormat })).modules;
    expect(await modules([])).toEqual(['usbcore', 'erofs']);
    expect(await modules(['erofs', 'squashfs'])).toEqual(['usbcore', 'erofs', 'squashfs']);
  });
});
