import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { digestOf } from '@ict/integrity';
import type { Json, Memo } from '@ict/plugin-api';
import { formatLock, lockDigest, lockEpoch, lockPath, lockSeed, readLock, toolsAlone, writeLock, type Lock } from '../../src/locks/lock.js';
import { recordDigest } from '../../src/locks/request-record.js';
import { digest, entry, lock } from '../support/small-lock.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

/** The line of the first occurrence of a text. */
function lineOf(text: string, place: string): number {
  return text.slice(0, text.indexOf(place)).split('\n').length;
}

describe('lock files', () => {
  it('tell what the tools alone have: other packages, and other content of the same', () => {
    const [mke2fs, newer] = ['mke2fs', 'newer'].map((text): typeof entry => ({ ...entry, id: text, digest: digestOf(text) })) as [
      typeof entry,
      typeof entry,
    ];
    expect(toolsAlone({ ...lock, tools: [{ ...entry, requestedBy: ['tools'] }, mke2fs, newer] })).toEqual([mke2fs, newer]);
  });

  it('survive a round trip, and are not rewritten when equal', async () => {
    const file = join(directory, 'x.lock.yml');
    expect(await writeLock(file, lock)).toBe(true);
    expect(await readLock(file)).toEqual(lock);
    expect(await writeLock(file, lock)).toBe(false);
    expect(await readFile(file, 'utf8')).toBe(formatLock(lock));
  });

  it('get their directory', async () => {
    const file = join(directory, 'new', 'one', 'x.lock.yml');
    expect(await writeLock(file, lock)).toBe(true);
    expect(await readLock(file)).toEqual(lock);
  });

  it('that cannot be written say so', async () => {
    await expect(writeLock('/proc/gone/x.lock.yml', lock)).rejects.toMatchObject({
      code: 'ICT_LOCK_UNWRITABLE',
      kind: 'usage',
    });
  });

  it('name their own disk when it is full, through whatever else may be', () => {
    // A file system of one page in a private mount namespace, so that nothing of it outlives the child.
    const mount = join(directory, 'full');
    mkdirSync(mount);
    const built = (name: string): string => JSON.stringify(new URL(`../../dist/${name}.js`, import.meta.url).href);
    const script = `
      const { writeLock } = await import(${built('locks/lock')});
      const { namingFullDisk } = await import(${built('trees/full-disk')});
      const room = { directories: ['/'], wantedBytes: 0 };
      const write = () => writeLock(${JSON.stringify(join(mount, 'x.lock.yml'))}, ${JSON.stringify(lock)});
      const { code, kind, facts, message } = await namingFullDisk(room, write).catch((error) => error);
      console.log(JSON.stringify({ code, kind, facts, full: message.includes('full (ENOSPC)') }));`;
    const command = 'mount -t tmpfs -o size=4k none "$1" && head -c 4096 /dev/zero > "$1"/all && exec "$2" --input-type=module -e "$3"';
    const argv = ['--user', '--map-root-user', '--mount', 'sh', '-c', command, 'sh', mount, process.execPath, script];
    const { stdout, stderr } = spawnSync('unshare', argv);
    expect(stderr.toString()).toBe('');
    const file = join(mount, 'x.lock.yml');
    expect(JSON.parse(stdout.toString())).toEqual({ code: 'ICT_LOCK_UNWRITABLE', kind: 'usage', facts: { file }, full: true });
  });

  it('are not read as YAML a second time, but checked again', async () => {
    const file = join(directory, 'sample.lock.yml');
    await writeLock(file, lock);
    const memo = new Map<string, Json>();
    const remember: Memo = {
      get: async (kind, key) => memo.get(JSON.stringify([kind, key])),
      set: async (kind, key, value) => void memo.set(JSON.stringify([kind, key]), value),
    };
    expect(await readLock(file, remember)).toEqual(lock);
    expect([...memo.values()]).toEqual([lock]);
    for (const key of memo.keys()) memo.set(key, { ...(memo.get(key) as object), target: 'other-target-x86_64' });
    expect(await readLock(file, remember)).toMatchObject({ target: 'other-target-x86_64' });
    for (const key of memo.keys()) memo.set(key, {});
    await expect(readLock(file, remember)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    await writeLock(file, { ...lock, target: 'third-target-x86_64' });
    expect(await readLock(file, remember)).toMatchObject({ target: 'third-target-x86_64' });
  });

  it('are the same text whatever the order of fields in memory', () => {
    const turn = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turn);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, turn(member)]),
      );
    };
    const more: Lock = { ...lock, plugins: { b: '1', a: '2' }, packages: [{ ...entry, summary: 'shell', maintainer: 'M' }] };
    expect(formatLock(turn(more) as Lock)).toBe(formatLock(more));
    expect(Object.keys((parse(formatLock(more)) as Lock).packages[0]).slice(0, 4)).toEqual(['id', 'name', 'version', 'arch']);
  });

  it('lie beside their template', () => {
    expect(lockPath('/a/image.yml')).toBe('/a/image.lock.yml');
    expect(lockPath('/a/image.v2.yaml')).toBe('/a/image.v2.lock.yml');
  });

  it('are named by content, and dated by the newest signed root', () => {
    expect(lockDigest({ ...lock })).toBe(lockDigest(lock));
    expect(lockDigest({ ...lock, packages: [{ ...entry, version: '5.2-2' }] })).not.toBe(lockDigest(lock));
    expect(lockEpoch(lock)).toBe(1_700_000_000);
  });

  it('seed images by what was asked and what packages answer, whenever repositories were signed', () => {
    const [repository] = lock.repositories;
    const signedAgain = { ...lock, repositories: [{ ...repository, root: { ...repository.root, dateSeconds: 1_800_000_000 } }] };
    expect(lockSeed(signedAgain)).toBe(lockSeed(lock));
    expect(lockDigest(signedAgain)).not.toBe(lockDigest(lock));
    const other = digestOf(Buffer.from('another'));
    const others = [
      { ...lock, packages: [{ ...entry, digest: other }] },
      { ...lock, request: other },
      { ...lock, target: 'another' },
    ];
    for (const changed of others) expect(lockSeed(changed)).not.toBe(lockSeed(lock));
  });

  describe('that tell what was asked', () => {
    const asked = {
      image: ['bash'],
      tools: [],
      recommends: false,
      pins: [{ packages: ['bash'], release: 'backports', priority: 700 }],
      essential: { priorities: ['required'], packages: [] },
      repositories: [{ id: 'main', archive: 'http://archive', suite: 'stable', components: ['main'], priority: 7 }],
    };
    const telling: Lock = { ...lock, request: recordDigest(lock.target, asked), asked };

    it('are read, and named as those that do not', async () => {
      const file = join(directory, 'x.lock.yml');
      await writeLock(file, telling);
      expect(await readLock(file)).toEqual(telling);
      expect(Object.keys(parse(await readFile(file, 'utf8')) as Lock).slice(0, 5)).toEqual([
        'lockVersion',
        'target',
        'request',
        'asked',
        'repositories',
      ]);
      expect(lockDigest(telling)).toBe(lockDigest({ ...lock, request: telling.request }));
      expect(lockDigest(telling)).not.toBe(lockDigest({ ...telling, request: digest }));
    });

    it.each<[string, object]>([
      ['another than its digest names', { ...asked, recommends: true }],
      ['without packages', { ...asked, image: undefined }],
      ['with a pin of nothing', { ...asked, pins: [{ priority: 7 }] }],
      ['with a repository without name', { ...asked, repositories: [{ archive: 'http://archive' }] }],
      ['that is no mapping', ['bash']],
      ['with a number that JSON has not', { ...asked, pins: [{ packages: ['bash'], priority: Number.NaN }] }],
    ])('are refused when they tell of a request %s', async (_what, wrong) => {
      const file = join(directory, 'x.lock.yml');
      await writeFile(file, stringify({ ...telling, asked: wrong }));
      await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    });

    it.each<[string, Partial<Lock>, string | undefined, string, RegExp]>([
      [
        'their target, where it is known',
        { target: 'debian-debian12-x86_64' },
        lock.target,
        'debian-debian12',
        /says that it is for debian-debian12-x86_64, and was made for debian-debian13-x86_64/,
      ],
      [
        'their target, where it is not',
        { target: 'debian-debian12-x86_64' },
        undefined,
        'sha256:',
        /request is not that of its "target" and of what was "asked": one of the three was changed/,
      ],
      ['what was asked', { asked: { ...asked, recommends: true } }, lock.target, 'sha256:', /one of the three was changed/],
      ['their request', { request: digest }, lock.target, digest, /one of the three was changed/],
    ])('are refused at the line of what was changed: %s', async (_what, change, target, place, message) => {
      const file = join(directory, 'x.lock.yml');
      const damaged = formatLock({ ...telling, ...change });
      await writeFile(file, damaged);
      await expect(readLock(file, undefined, target)).rejects.toMatchObject({
        code: 'ICT_LOCK_UNREADABLE',
        message: expect.stringMatching(message) as unknown,
        problems: [{ position: { file, line: lineOf(damaged, place) } }],
      });
    });

    it('are refused in a wrong shape, whatever their digest', async () => {
      const wrong = { ...asked, image: 'bash' } as unknown as typeof asked;
      const file = join(directory, 'x.lock.yml');
      await writeFile(file, stringify({ ...lock, asked: wrong, request: recordDigest(lock.target, wrong) }));
      await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    });
  });

  describe('that tell what answers it', () => {
    const [tool, virtual] = ['mke2fs', 'nginx'].map((name): typeof entry => ({
      ...entry,
      ...{ id: `${name}:amd64`, name, requestedBy: ['template'] },
    }));
    const asked = {
      image: ['bash', 'httpd'],
      tools: ['e2fsprogs'],
      recommends: false,
      essential: { priorities: ['required'], packages: [] },
      repositories: [{ id: 'main', archive: 'http://archive', suite: 'stable', components: ['main'] }],
    };
    const answers = {
      image: { bash: [entry.id], httpd: [virtual!.id] },
      tools: { e2fsprogs: [tool!.id] },
      essential: [entry.id],
    };
    const telling: Lock = {
      ...lock,
      request: recordDigest(lock.target, asked),
      asked,
      answers,
      packages: [entry, virtual!],
      tools: [tool!],
    };

    it('are read, tell it beside what was asked, and are named as those that do not', async () => {
      const file = join(directory, 'x.lock.yml');
      await writeLock(file, telling);
      expect(await readLock(file)).toEqual(telling);
      expect(Object.keys(parse(await readFile(file, 'utf8')) as Lock).slice(2, 6)).toEqual(['request', 'asked', 'answers', 'repositories']);
      expect(lockDigest(telling)).toBe(lockDigest({ ...telling, answers: undefined }));
      expect(lockDigest(telling)).toBe(lockDigest({ ...lock, request: telling.request, packages: telling.packages, tools: telling.tools }));
    });

    const onlyHttpd = { asked: { ...asked, image: ['httpd'] }, request: recordDigest(lock.target, { ...asked, image: ['httpd'] }) };

    /** A lock whose image was also asked for something, with its answer. */
    function alsoAsked(request: string, answer: readonly string[], more: readonly (typeof entry)[] = []): Lock {
      const wider = { ...asked, image: [...asked.image, request].sort() };
      return {
        ...telling,
        ...{ request: recordDigest(lock.target, wider), asked: wider, packages: [...telling.packages, ...more] },
        answers: { ...answers, image: { ...answers.image, [request]: answer } },
      };
    }

    const i386 = { ...entry, id: 'zstd:i386', name: 'zstd', arch: 'i386', requestedBy: ['template'] };
    const older = { ...virtual!, id: 'nginx:amd64=1', version: '1' };

    it.each<[string, Lock]>([
      ['group without members', alsoAsked('@core', [])],
      ['stream of a module, which it only enables', alsoAsked('nginx:20', [])],
      ['package of another architecture', alsoAsked('zstd:i386', ['zstd:i386'], [i386])],
      ['package of one version of several', alsoAsked('nginx=1', [older.id], [older])],
      ['package with its architecture, as it is written elsewhere', alsoAsked('nginx.amd64', [virtual!.id])],
      ['path', alsoAsked('/usr/sbin/nginx', [virtual!.id])],
      ['pattern', alsoAsked('ngin*', [virtual!.id])],
    ])('may be asked for a %s', async (_what, good) => {
      const file = join(directory, 'x.lock.yml');
      await writeLock(file, good);
      expect(await readLock(file)).toEqual(good);
    });

    it.each<[string, Lock, string, RegExp]>([
      ['no package', alsoAsked('zstd', []), 'zstd: []', /"zstd" was asked for, and it says that no package answers that/],
      ['none of an architecture', alsoAsked('zstd:amd64', []), 'zstd:amd64: []', /"zstd:amd64" was asked for, and it says that no/],
      ['none of a version', alsoAsked('zstd=1.5', []), 'zstd=1.5: []', /"zstd=1.5" was asked for, and it says that no/],
      ['none that a pattern matches', alsoAsked('zst*', []), 'zst*: []', /"zst\*" was asked for, and it says that no/],
      ['none for a path', alsoAsked('/bin/zstd', []), '/bin/zstd: []', /"\/bin\/zstd" was asked for, and it says that no/],
      [
        'one that is there for other reasons',
        alsoAsked('zstd', [entry.id]),
        'zstd:',
        /"zstd" is answered by bash:amd64, which was not asked for/,
      ],
      [
        'another than the one of that name',
        alsoAsked('nginx', ['mawk:amd64'], [{ ...virtual!, id: 'mawk:amd64', name: 'mawk' }]),
        'nginx:',
        /"nginx" is answered by mawk:amd64, and not by nginx:amd64/,
      ],
      [
        'one of another architecture',
        alsoAsked('zstd:i386', ['zstd:amd64'], [i386, { ...i386, id: 'zstd:amd64', arch: 'amd64' }]),
        'zstd:i386:',
        /"zstd:i386" is answered by zstd:amd64, and not by zstd:i386/,
      ],
    ])('are refused at their line when a request is answered by %s', async (_what, wrong, place, message) => {
      const file = join(directory, 'x.lock.yml');
      const damaged = formatLock(wrong);
      await writeFile(file, damaged);
      const lines = damaged.split('\n');
      // What is wrong is the value: that of a key alone begins in the next line.
      const line = lines.findIndex((each) => each.trimStart() === place) + (place.endsWith(':') ? 2 : 1);
      await expect(readLock(file)).rejects.toMatchObject({
        code: 'ICT_LOCK_UNREADABLE',
        message: expect.stringMatching(message) as unknown,
        problems: [{ position: { file, line } }],
      });
    });

    it.each<[string, Partial<(typeof asked.repositories)[0]>, string, RegExp]>([
      [
        'archive',
        { archive: 'http://evil.example' },
        'archive: http://archive',
        /archive of repository "main" is not the one that was asked for/,
      ],
      ['suite', { suite: 'testing' }, 'suite: stable', /suite of repository "main" is not the one that was asked for/],
      ['components', { components: ['contrib'] }, '- main', /components of repository "main" are not those that were asked for/],
      ['id', { id: 'other' }, '- id: main', /repository "other" was asked for, and it does not have that/],
    ])('are refused at their line when a repository has another %s than what was asked', async (_what, change, place, message) => {
      const other = { ...asked, repositories: [{ ...asked.repositories[0]!, ...change }] };
      const file = join(directory, 'x.lock.yml');
      const damaged = formatLock({ ...telling, asked: other, request: recordDigest(lock.target, other) });
      await writeFile(file, damaged);
      await expect(readLock(file)).rejects.toMatchObject({
        code: 'ICT_LOCK_UNREADABLE',
        message: expect.stringMatching(message) as unknown,
        problems: [{ position: { line: damaged.slice(0, damaged.lastIndexOf(place)).split('\n').length } }],
      });
    });

    it.each<[string, Partial<Lock>, string, RegExp]>([
      ['package of a request', { packages: [entry] }, 'nginx:amd64', /"httpd" is answered by nginx:amd64, which it does not have/],
      ['tool', { tools: [] }, 'mke2fs:amd64', /"e2fsprogs" is answered by mke2fs:amd64, which it does not have/],
      [
        'package of the base set',
        { packages: [virtual!], answers: { ...answers, image: { httpd: [virtual!.id] } }, ...onlyHttpd },
        '- bash:amd64',
        /bash:amd64 is of the base set, and it does not have that/,
      ],
      [
        'package of a request with its answer',
        { packages: [entry], answers: { ...answers, image: { bash: [entry.id] } } },
        'httpd',
        /"httpd" was asked for, and it does not say which package answers that/,
      ],
    ])('are refused at their line when they lost a %s', async (_what, lost, place, message) => {
      const file = join(directory, 'x.lock.yml');
      const damaged = formatLock({ ...telling, ...lost });
      await writeFile(file, damaged);
      await expect(readLock(file)).rejects.toMatchObject({
        code: 'ICT_LOCK_UNREADABLE',
        message: expect.stringMatching(message) as unknown,
        problems: [{ position: { line: lineOf(damaged, place) } }],
      });
    });

    it.each<[string, object]>([
      ['without a base set', { ...answers, essential: undefined }],
      ['with a text for a list', { ...answers, image: { ...answers.image, bash: entry.id } }],
      ['without those of the tools', { ...answers, tools: null }],
      ['that are no mapping', [answers]],
    ])('are refused when they have answers %s', async (_what, wrong) => {
      const file = join(directory, 'x.lock.yml');
      await writeFile(file, stringify({ ...telling, answers: wrong }));
      await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    });

    it('are refused when they lost what was asked', async () => {
      const file = join(directory, 'x.lock.yml');
      await writeFile(file, stringify({ ...telling, asked: undefined }));
      await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
    });
  });

  it('say of packages and indexes that lie elsewhere where, before their path, and are other locks for that', async () => {
    const file = join(directory, 'elsewhere.lock.yml');
    const archive = 'https://packages.example/os';
    const index = { archive, path: 'primary.xml.gz', digest: digestOf('index'), sizeBytes: 1 };
    const elsewhere: Lock = {
      ...lock,
      packages: [{ ...entry, archive }],
      repositories: lock.repositories.map((repository) => ({ ...repository, indexes: [index] })),
    };
    const written = formatLock(elsewhere);
    await writeFile(file, written);
    expect(written).toMatch(/^ {4}archive: https:\/\/packages\.example\/os\n {4}path: pool/m);
    expect(await readLock(file)).toEqual(elsewhere);
    expect(lockDigest({ ...elsewhere, repositories: lock.repositories })).not.toBe(lockDigest(lock));
    await writeFile(file, written.replace(/archive: \S+(?=\n +path: primary)/, 'archive: file:///srv'));
    await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it.each(['sha384', 'sha512'] as const)('name what a repository states by %s alone', async (algorithm) => {
    const file = join(directory, 'strong.lock.yml');
    const strong: Lock = { ...lock, packages: [{ ...entry, digest: digestOf('bash', algorithm) }] };
    await writeFile(file, formatLock(strong));
    expect(await readLock(file)).toEqual(strong);
    await writeFile(file, formatLock(strong).replace(`${algorithm}:`, 'sha256:'));
    await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it('of earlier versions do not name indexes', async () => {
    const file = join(directory, 'x.lock.yml');
    const [{ indexes, ...repository }] = lock.repositories;
    expect(indexes).toHaveLength(1);
    await writeLock(file, { ...lock, repositories: [repository] });
    expect(await readLock(file)).toEqual({ ...lock, repositories: [repository] });
  });

  it('are undefined when absent', async () => {
    expect(await readLock(join(directory, 'none.yml'))).toBeUndefined();
  });
});
