import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CPIO_END, cpioMember, encodeRpm, headerDigest, installableTags, RpmWorkshop, zeros, type HeaderValue } from '@ict/fixtures';
import type { InstallChange, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import { startSandbox, type LayerManifest, type Sandbox } from '@ict/sandbox';
import { createInstaller } from '../src/install/installer.js';
import { RELATION_TAGS, TAG } from '../src/package/tags.js';
import { distribution, makeHostRpmTree, verified } from './host-rpm-tree.js';

const MIB = 2 ** 20;
const EPOCH_SECONDS = 1_000_000_000;

const base = mkdtempSync(join(tmpdir(), 'ict-rpm-installation-'));
const low = join(base, 'low');
const workshop = new RpmWorkshop();
let sandbox: Sandbox;
/** What scriptlets need. */
let shell: VerifiedPackage;

beforeAll(async () => {
  makeHostRpmTree(low, ['/bin/bash', '/bin/cat', '/bin/mknod', '/bin/rm']);
  sandbox = await startSandbox({ signal: new AbortController().signal, temporary: base });
  shell = verified('shell', workshop.build({ name: 'shell', preamble: ['Provides: /bin/sh', 'Provides: /bin/bash'] }));
});
afterAll(async () => {
  await sandbox.close();
  workshop.close();
  rmSync(base, { recursive: true });
});

/** A package file that nobody would make but to harm, under the name that the cache gives it. */
function made(directory: string, header: Readonly<Record<number, HeaderValue>>, payload: Uint8Array, name = 'made'): VerifiedPackage {
  mkdirSync(join(base, 'packages', directory), { recursive: true });
  const file = join(base, 'packages', directory, `${name}-1.0-1.noarch.rpm`);
  const identity = { [TAG.NAME]: { text: name }, [TAG.VERSION]: { text: '1.0' } };
  writeFileSync(file, encodeRpm({ header: { ...header, ...identity }, payload, sign: headerDigest }));
  return verified(name, file);
}

/** What an installation came to. */
interface Outcome {
  /** Of what ended it; undefined when nothing did. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly warnings: readonly string[];
  /** What it wrote, by path. */
  readonly layer: ReadonlyMap<string, LayerManifest['entries'][number]>;
  /** The content of a file that it wrote. */
  readonly read: (path: string) => string;
}

let count = 0;

/** Installs into a tree in the sandbox, as a build does. @param lowers none for an empty root. @param before what the tree has already. @param only unpacks, as for tools. */
async function install(
  packages: readonly VerifiedPackage[],
  {
    lowers = [low],
    before = [],
    only,
    during,
  }: {
    readonly before?: readonly VerifiedPackage[];
    readonly only?: 'unpack';
    readonly lowers?: readonly string[];
    readonly during?: (upper: string, abort: AbortController) => void;
  } = {},
): Promise<Outcome> {
  const abort = new AbortController();
  await using ctx = fakeContext({});
  const upper = { directory: join(base, `upper-${++count}`), work: join(base, `work-${count}`) };
  for (const directory of Object.values(upper)) mkdirSync(directory);
  const tree = await sandbox.openTree({ lowers, upper, epochSeconds: EPOCH_SECONDS, signal: abort.signal });
  const distributed = (change: Pick<InstallChange, 'install' | 'installed'>) => apply({ ...change, remove: [] }, tree, distribution, ctx);
  const { apply, unpack } = createInstaller();
  if (before.length > 0) await distributed({ install: before });
  const watch = during === undefined ? undefined : setInterval(() => during(upper.directory, abort), 20);
  const work = only === undefined ? distributed({ install: packages, installed: before }) : unpack!(packages, tree, distribution, ctx);
  const error = await work.then(
    () => undefined,
    (reason: Outcome['error']) => reason,
  );
  clearInterval(watch);
  await tree.close();
  const { entries } = await sandbox.sealLayer(upper.directory, { epochSeconds: EPOCH_SECONDS });
  return {
    error,
    warnings: ctx.events.flatMap((event) => (event.type === 'warning' ? [event.code] : [])),
    layer: new Map(entries.map((entry) => [entry.path, entry])),
    read: (path) => readFileSync(join(upper.directory, path), 'utf8'),
  };
}

describe('a scriptlet', () => {
  const scripted = (name: string, ...lines: readonly string[]): VerifiedPackage =>
    verified(name, workshop.build({ name, more: ['%post -p /bin/bash', ...lines] }));

  it('that connects to this machine, by its loopback or its outside address, reaches nobody', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const outside = Object.values(networkInterfaces()).flatMap((addresses) =>
      (addresses ?? []).flatMap(({ family, internal, address }) => (family === 'IPv4' && !internal ? [address] : [])),
    );
    const attempts = ['127.0.0.1', ...outside].map((address) => `(exec 3<>/dev/tcp/${address}/${port}) && echo ${address} >> /etc/reached`);
    const { error, layer, read } = await install([shell, scripted('caller', 'echo tried > /etc/tried', ...attempts, 'true')]);
    expect([error, read('/etc/tried'), layer.has('/etc/reached')]).toEqual([undefined, 'tried\n', false]);
    // The same words reach the server from here.
    const reached = new Promise((resolve) => server.once('connection', resolve));
    expect(connections).toBe(0);
    execFileSync('bash', ['-c', attempts[0]!.replace(/>> .*/, '')]);
    await reached;
    expect(connections).toBe(1);
  });

  it.each([
    ['%post', ['exit 7'], false],
    ['%post -p <lua>', ['error("no")'], false],
    ['%pre', ['exit 7'], true],
    ['%pre -p <lua>', ['error("no")'], true],
    ['%pretrans -p <lua>', ['error("no")'], true],
  ])('that fails ends the build where rpm does not install its package, and is told of else: %s', async (scriptlet, lines, isNeeded) => {
    const name = `failing-${scriptlet.replace(/\W+/g, '-')}`;
    const file = join(base, `${name}-7%3a1.0-1.noarch.rpm`);
    copyFileSync(workshop.build({ name, epoch: 7, more: [scriptlet, ...lines] }), file);
    const failing = { ...verified(name, file), version: '7:1.0-1' };
    const { error, warnings } = await install([shell, failing]);
    if (isNeeded) {
      const message = expect.stringContaining(`${name}-7:1.0-1.noarch from repository "workshop"`) as string;
      expect([error, warnings]).toEqual([expect.objectContaining({ code: 'ICT_RPM_SCRIPTLET_FAILED', message }), []]);
    } else expect([error, warnings]).toEqual([undefined, ['ICT_RPM_SCRIPTLET_FAILED']]);
  });

  it('that makes and writes devices changes neither those of this machine nor the image', async () => {
    const { error, layer, read, warnings } = await install([
      shell,
      scripted(
        'writer',
        'echo wiped > /dev/sda-of-ict && echo made > /etc/made',
        // The null device: harmless, should it open.
        'for node in /dev/node-of-ict /etc/node-of-ict; do',
        '  mknod $node c 1 3 || continue',
        '  (echo x > $node) && echo $node >> /etc/opened',
        '  rm $node',
        'done',
        'exit 7',
      ),
    ]);
    expect([error, read('/etc/made'), layer.has('/etc/opened')]).toEqual([undefined, 'made\n', false]);
    expect(warnings).toEqual(['ICT_RPM_SCRIPTLET_FAILED']);
    expect([...layer.keys()].filter((path) => path.startsWith('/dev/'))).toEqual([]);
    expect(readdirSync('/dev').filter((name) => name.endsWith('-of-ict'))).toEqual([]);
  });
});

describe('packages that bring the same paths', () => {
  const bringing = (name: string, files: Readonly<Record<string, string>>, epoch?: number): VerifiedPackage => ({
    ...verified(name, workshop.build({ name, files, ...(epoch === undefined ? {} : { epoch }) })),
    repository: `repository of ${name}`,
  });
  const many = (content: string) => Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`/opt/${index}`, content]));

  const refusal = (first: string, second: string, paths: string) => ({
    code: 'ICT_RPM_FILE_CONFLICT',
    message: expect.stringMatching(
      `\\n  ${first} from repository "repository of \\w+" and ${second} from repository "repository of \\w+": ${paths}$`,
    ) as string,
  });

  it('are refused with all of them, their repositories and the paths named', async () => {
    // An epoch of 0 that a package states is told by rpm, and in no metadata.
    const [one, other] = [bringing('one', many('1'), 0), bringing('other', many('2'))];
    const paths = '/opt/0, /opt/1, /opt/2, /opt/3, /opt/4 and 4 more';
    const { error } = await install([shell, one, other]);
    expect(error).toMatchObject(refusal('one-0:1.0-1.noarch', 'other-1.0-1.noarch', paths));
    const { error: later } = await install([other], { before: [shell, one] });
    expect(later).toMatchObject(refusal('other-1.0-1.noarch', 'one-0:1.0-1.noarch', paths));
  });

  it.each([
    ['a file below what is a file of another', { '/opt/x': '1' }, { '/opt/x/y': '2' }],
    ['a file where another has a directory', { '/opt/x/y': '1' }, { '/opt/x': '2' }],
  ])('are refused, too, with %s', async (_, before, files) => {
    const { error } = await install([bringing('late', files)], { before: [shell, bringing('early', before)] });
    expect(error).toMatchObject(refusal('late-1.0-1.noarch', 'early-1.0-1.noarch', '/opt/x'));
  });

  it('are refused without blame for a third one, whose directory is called as the file is', async () => {
    const before = [shell, bringing('aside', { '/opt/x/z': '1' }), bringing('early', { '/opt/x/y/x': '1' })];
    const { error } = await install([bringing('late', { '/opt/x/y/x/z': '2' })], { before });
    expect(error).toMatchObject(refusal('late-1.0-1.noarch', 'early-1.0-1.noarch', '/opt/x/y/x'));
  });

  it('in the same way are installed', async () => {
    const { error } = await install([shell, bringing('one', many('1')), bringing('other', many('1'))]);
    expect(error).toBeUndefined();
  });
});

describe('packages that say more than what was resolved by', () => {
  it('are refused with what they need and exclude, and whose they are', async () => {
    const needy = verified('needy', workshop.build({ name: 'needy', epoch: 0, preamble: ['Requires: nowhere >= 2'] }));
    const foe = verified('foe', workshop.build({ name: 'foe', preamble: ['Conflicts: shell < 2'] }));
    const { error, layer } = await install([shell, needy, foe]);
    expect(error).toMatchObject({
      code: 'ICT_RPM_DEPENDENCY_CHECK',
      facts: {
        problems: [
          { package: 'foe-1.0-1.noarch', repository: 'workshop', verb: 'excludes', what: 'shell < 2' },
          { package: 'needy-0:1.0-1.noarch', repository: 'workshop', verb: 'needs', what: 'nowhere >= 2' },
        ],
        untold: 0,
      },
    });
    expect([...layer.keys()].filter((path) => path.startsWith('/etc/'))).toEqual([]);
  });

  it('are counted when there are many', async () => {
    const preamble = Array.from({ length: 12 }, (_, number) => `Requires: nowhere-${number}`);
    const { error } = await install([shell, verified('needy', workshop.build({ name: 'needy', preamble }))]);
    expect(error).toMatchObject({ facts: { untold: 2 }, message: expect.stringMatching(/\n {2}and 2 more$/) as string });
  });

  it('are refused for a feature that rpm does not have', async () => {
    const [names, versions, flags] = RELATION_TAGS.requires;
    const needs = { [flags]: { width: 4, numbers: [0] }, [names]: { texts: ['rpmlib(Telepathy)'] }, [versions]: { texts: [''] } } as const;
    const { error } = await install([made('newer', { ...installableTags({ '/etc/good': 'good\n' }), ...needs }, CPIO_END)]);
    expect(error).toMatchObject({ code: 'ICT_RPM_DEPENDENCY_CHECK', facts: { problems: [{ verb: 'needs', what: 'rpmlib(Telepathy)' }] } });
  });
});

describe('a payload', () => {
  const good = installableTags({ '/etc/good': 'good\n' });
  const member = cpioMember('./etc/good', 'good\n');

  it('is installed when it is what the header says', async () => {
    const { error, layer, read } = await install([made('good', good, Buffer.concat([member, CPIO_END]))]);
    expect([error, read('/etc/good')]).toEqual([undefined, 'good\n']);
    expect(layer.get('/etc/good')).toMatchObject({ type: 'file', mode: 0o644, sizeBytes: 5 });
  });

  it.each([
    ['a path that leaves the root', cpioMember('./../../etc/x', 'good\n')],
    ['an absolute path', cpioMember('/etc/x', 'good\n')],
    ['a path through what was announced', cpioMember('./etc/good/../x', 'good\n')],
    [
      'a file below a link in the place of one',
      Buffer.concat([cpioMember('./etc/good', '..', 0o120777), cpioMember('./etc/good/x', 'good\n')]),
    ],
    ['another content', cpioMember('./etc/good', 'evil\n')],
    ['nothing', Buffer.alloc(0)],
  ])('with %s is refused by the rpm of the tree, under our own code, and leaves nothing', async (what, bytes) => {
    const { error, layer } = await install([made(what, good, Buffer.concat([bytes, CPIO_END]))]);
    expect(error).toMatchObject({
      code: 'ICT_RPM_PAYLOAD_INVALID',
      message: expect.stringContaining('made-1.0-1.noarch from repository "workshop"') as string,
    });
    expect([...layer.keys()].filter((path) => path.startsWith('/etc/'))).toEqual([]);
  });

  it.each([
    ['in its last bytes', 40],
    ['in the middle of a file', 30_000],
  ])('that was damaged %s after it was verified is refused by the rpm of the tree, which does not read it twice', async (_, fromEnd) => {
    const name = `damaged-${fromEnd}`;
    const file = join(base, `${name}-1.0-1.noarch.rpm`);
    const content = Array.from({ length: 2000 }, (_, line) => createHash('sha256').update(String(line)).digest('hex')).join('\n');
    const bytes = readFileSync(workshop.build({ name, files: { '/etc/damaged': content } }));
    for (let at = bytes.length - fromEnd; at < bytes.length - fromEnd + 8; at++) bytes[at]! ^= 0xff;
    writeFileSync(file, bytes);
    const { error, layer } = await install([shell, verified(name, file)]);
    expect(error).toMatchObject({ code: 'ICT_RPM_PAYLOAD_INVALID', message: expect.stringContaining(`${name}-1.0-1.noarch`) as string });
    expect([...layer.keys()].filter((path) => path.startsWith('/etc/'))).toEqual([]);
  });

  it.each([
    ['a path that leaves the root', cpioMember('./../../etc/x', 'good\n')],
    ['an absolute path', cpioMember('/etc/x', 'good\n')],
  ])('with %s is refused before the tree has an rpm, too', async (what, bytes) => {
    const hostile = made(`first ${what}`, good, Buffer.concat([bytes, CPIO_END]), 'rpm');
    const { error, layer } = await install([hostile], { lowers: [] });
    expect(error).toMatchObject({ code: 'ICT_RPM_PAYLOAD_INVALID' });
    expect([...layer.keys()].filter((path) => path.startsWith('/etc/'))).toEqual([]);
  });

  it('that writes through a link of its own, to a directory of this machine, reaches nothing outside the tree', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'ict-rpm-outside-'));
    onTestFinished(() => rmSync(outside, { recursive: true }));
    const link = [
      installableTags({ '/link': { link: outside } }),
      Buffer.concat([cpioMember('./link', outside, 0o120777), CPIO_END]),
    ] as const;
    const file = [installableTags({ '/link/x': 'good\n' }), Buffer.concat([cpioMember('./link/x', 'good\n'), CPIO_END])] as const;
    const { error } = await install([made('link', ...link), made('link', ...file, 'other')]);
    expect(error).toMatchObject({ code: 'ICT_RPM_FILE_CONFLICT' });
    // Without an rpm in the tree they are unpacked by ours, which follows links as the tree means them.
    const both = { lowers: [], only: 'unpack' } as const;
    const unpacked = await install([made('link', ...link), made('link', ...file, 'other')], both);
    expect([unpacked.error, unpacked.layer.has(`${outside}/x`)]).toEqual([undefined, true]);
    expect(readdirSync(outside)).toEqual([]);
  });
});

/** The most memory, in bytes, that any process with a text in its arguments had so far; 0 when there is none. */
function peakOf(text: string): number {
  const peaks = readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)) return [];
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return kib === undefined ? [] : [Number(kib) * 1024];
    } catch {
      return []; // It has ended meanwhile.
    }
  });
  return Math.max(0, ...peaks);
}

describe('a file of 4.5 GB in a package of some kilobytes', () => {
  const SIZE = 4.5 * 2 ** 30;
  const packed = zeros(Buffer.from('07070X00000000\0\0'), SIZE, CPIO_END);
  /** Sizes of the file between which the memory of rpm may not grow: all of it takes a minute. */
  const [FIRST, LAST] = [64 * MIB, 768 * MIB];

  it('is written as a stream, in constant memory, and goes with the tree when the build is cancelled', async () => {
    expect(packed.length).toBeLessThan(200_000);
    const header = { ...installableTags({ '/large': { sizeBytes: SIZE } }), [TAG.PAYLOADCOMPRESSOR]: { text: 'zstd' } };
    const large = made('large', header, packed);
    const own = process.memoryUsage().rss;
    const peaks: number[] = [];
    let written = 0;
    const during = (upper: string, abort: AbortController): void => {
      written = Math.max(
        written,
        ...readdirSync(upper)
          .filter((name) => name.startsWith('large'))
          .map((name) => statSync(join(upper, name)).size),
      );
      if (written >= FIRST && peaks.length === 0) peaks.push(peakOf('/run/ict/packages/made-'));
      if (written < LAST || peaks.length !== 1) return;
      peaks.push(peakOf('/run/ict/packages/made-'));
      abort.abort(new Error('the user has seen enough'));
    };
    const { error } = await install([large], { during });
    expect(error?.message).toBe('the user has seen enough');
    const [first, last] = peaks as [number, number];
    expect(first).toBeGreaterThan(0);
    expect(last - first).toBeLessThan(32 * MIB);
    expect(last).toBeLessThan(256 * MIB);
    expect(process.memoryUsage().rss - own).toBeLessThan(256 * MIB);
  });
});
