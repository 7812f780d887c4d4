import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { fetchError } from '../src/errors.js';
import { parseDeb822Sources, parseOneLineSources, readHostSources } from '../src/host-sources.js';
import { createMirrorRoutes } from '../src/mirror-routes.js';
import { archiveOf, chooseMirrors, type MirrorCandidate } from '../src/mirrors.js';

const archive = 'http://ftp.debian.org/debian';
const security = 'http://ftp.debian.org/debian-security';

describe('host sources', () => {
  it('reads the one-line format', () => {
    const text = `
# deb http://commented.example/debian stable main
deb http://one.example/debian/ bookworm main contrib # note
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://two.example/debian bookworm main
  deb\thttp://three.example/debian\tbookworm main
deb-src http://source.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb mirror+file:/etc/apt/mirrors.txt bookworm main
deb file:///srv/debian ./
debug http://no.example/debian stable main
deb http://incomplete.example/debian`;
    expect(parseOneLineSources(text)).toEqual([
      'http://one.example/debian',
      'https://two.example/debian',
      'http://three.example/debian',
      'file:///srv/debian',
    ]);
  });

  it('reads the deb822 format', () => {
    const text = `Types: deb deb-src
# a comment between fields
URIs: http://one.example/debian/
  https://two.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian

Enabled: no
Types: deb
URIs: http://off.example/debian
\t
types: deb
uris: tor+http://hidden.example/debian http://three.example/debian-security
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 deb http://inner.example/debian x y
`;
    expect(parseDeb822Sources(text)).toEqual([
      'http://one.example/debian',
      'https://two.example/debian',
      'http://three.example/debian-security',
    ]);
  });

  it('never throws and only gives addresses', () => {
    const word = fc.constantFrom('deb', 'deb ', '[', ']', 'http://h/d', 'Types:', 'URIs:', '\n', '\n\n', '#', ' ', 'Enabled: no', '\0');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join('')),
        ),
        (text) => {
          for (const url of [...parseOneLineSources(text), ...parseDeb822Sources(text)]) expect(URL.canParse(url)).toBe(true);
        },
      ),
    );
  });

  it('reads a directory as apt does, and an absent one as empty', async () => {
    const root = mkdtempSync(join(tmpdir(), 'ict-sources-'));
    try {
      mkdirSync(join(root, 'sources.list.d'));
      writeFileSync(join(root, 'sources.list'), 'deb http://first.example/debian stable main\n');
      writeFileSync(
        join(root, 'sources.list.d/b.list'),
        'deb http://third.example/debian stable main\ndeb http://first.example/debian x main\n',
      );
      writeFileSync(join(root, 'sources.list.d/a.sources'), 'Types: deb\nURIs: http://second.example/debian\n');
      writeFileSync(join(root, 'sources.list.d/c.list.save'), 'deb http://saved.example/debian stable main\n');
      expect(await readHostSources(root)).toEqual([
        'http://first.example/debian',
        'http://second.example/debian',
        'http://third.example/debian',
      ]);
      expect(await readHostSources(join(root, 'absent'))).toEqual([]);
      mkdirSync(join(root, 'sources.list.d/directory.list'));
      expect(await readHostSources(root)).toHaveLength(3);
      symlinkSync('circle.list', join(root, 'sources.list.d/circle.list'));
      await expect(readHostSources(root)).rejects.toMatchObject({ code: 'ICT_FETCH_UNREADABLE', facts: { reason: 'ELOOP' } });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('chooseMirrors', () => {
  const hostSources = ['http://near.example/debian/', 'http://near.example/debian-security', 'http://other.example/ubuntu', archive];

  it('offers host mirrors with the same last segment, then the archive', () => {
    const map = chooseMirrors({ hostSources, archives: [archive, `${security}/`] });
    expect([...map]).toEqual([
      [
        archive,
        [
          { url: 'http://near.example/debian', source: 'host' },
          { url: archive, source: 'definition' },
        ],
      ],
      [
        security,
        [
          { url: 'http://near.example/debian-security', source: 'host' },
          { url: security, source: 'definition' },
        ],
      ],
    ]);
  });

  it('takes mirrors that were named as the only candidates, flags before configuration', () => {
    const flags = { [archive]: ['https://flag.example/debian', 'https://second.example/debian/'] };
    const config = { [`${archive}/`]: ['http://config.example/d/'], [security]: ['file:///srv/security'] };
    const map = chooseMirrors({ flags, config, hostSources, archives: [archive, security] });
    expect(map.get(archive)).toEqual([
      { url: 'https://flag.example/debian', source: 'flag' },
      { url: 'https://second.example/debian', source: 'flag' },
    ]);
    expect(map.get(security)).toEqual([{ url: 'file:///srv/security', source: 'config' }]);
  });

  it('asks an archive that needs a user and password with these, whoever names it without', () => {
    const secret = 'http://me:secret@ftp.debian.org/debian';
    const list = 'http://token@ftp.debian.org/list/';
    const map = chooseMirrors({ hostSources, archives: [archive, security], credentialed: [secret, list] });
    expect(map.get(archive)).toEqual([
      { url: 'http://near.example/debian', source: 'host' },
      { url: secret, source: 'definition' },
    ]);
    expect(map.get(security)?.at(-1)).toEqual({ url: security, source: 'definition' });
    const { candidates, rest } = createMirrorRoutes(map, () => undefined).route('http://ftp.debian.org/list/');
    expect(candidates.map(({ url }) => url + rest)).toEqual([list]);
    const only = [{ url: 'https://flag.example/debian', source: 'flag' }];
    for (const name of [archive, secret]) {
      const flags = { [name]: ['https://flag.example/debian'] };
      expect(chooseMirrors({ flags, archives: [archive], credentialed: [secret] }).get(archive)).toEqual(only);
    }
  });

  it('takes mirrors that were named for other addresses than those of archives: files of these may lie there', () => {
    const elsewhere = 'https://packages.example/pool';
    const flags = { [`${elsewhere}/`]: ['https://me:secret@near.example/pool'], 'no address': ['http://near.example/'] };
    const map = chooseMirrors({ flags, hostSources, archives: [archive] });
    expect([...map.keys()]).toEqual([archive, elsewhere]);
    const { route } = createMirrorRoutes(map, () => undefined);
    const places = (url: string) => route(url).candidates.map((one) => one.url + route(url).rest);
    expect(places(`${elsewhere}/a/b.rpm`)).toEqual(['https://me:secret@near.example/pool/a/b.rpm']);
    expect(places('https://packages.example/pools/b.rpm')).toEqual(['https://packages.example/pools/b.rpm']);
  });

  it('takes nothing else for an archive because mirrors of what is above it were named', () => {
    const map = chooseMirrors({ flags: { 'http://ftp.debian.org': ['http://near.example'] }, archives: [archive] });
    const { route } = createMirrorRoutes(map, () => undefined);
    expect(route(`${archive}/x`).candidates.map(({ url }) => url)).toEqual([archive]);
  });

  it('gives a user and password to the archive that has them, and to nothing beside it on the same server', () => {
    const map = chooseMirrors({ archives: ['https://h.example/os'], credentialed: ['https://me:secret@h.example/os'] });
    const { route } = createMirrorRoutes(map, () => undefined);
    const places = (url: string) => route(url).candidates.map((one) => one.url + route(url).rest);
    expect(places('https://h.example/os/p/a.rpm')).toEqual(['https://me:secret@h.example/os/p/a.rpm']);
    for (const url of [
      'https://h.example/osx/a.rpm',
      'https://h.example/a.rpm',
      'http://h.example/os/a.rpm',
      'https://other.example/os/a.rpm',
    ]) {
      expect(places(url)).toEqual([url]);
    }
  });

  it('shows no password of a mirror that it refuses', () => {
    const choose = () => chooseMirrors({ flags: { [archive]: ['ftp://me:secret@mirror.example/debian'] }, archives: [archive] });
    expect(choose).toThrow(
      expect.objectContaining({
        message: `"ftp://mirror.example/debian", the mirror of ${archive}, is not an http, https or file address`,
        facts: { archive, mirror: 'ftp://mirror.example/debian' },
      }) as Error,
    );
  });

  it('minds no mirror that is no address where nothing is asked for what it stands in for', () => {
    const flags = { 'http://other.example/os': ['ftp://mirror.example/os'] };
    const { route } = createMirrorRoutes(chooseMirrors({ flags, archives: [archive] }), () => undefined);
    expect(route('http://other.example/os/a').candidates).toEqual([{ url: 'ftp://mirror.example/os', source: 'flag' }]);
  });

  it.each(['mirror.example/debian', 'ftp://mirror.example/debian', ''])('refuses %j as a mirror', (url) => {
    expect(() => chooseMirrors({ flags: { [archive]: [url] }, archives: [archive] })).toThrow(
      expect.objectContaining({ code: 'ICT_FETCH_ADDRESS' }) as Error,
    );
  });

  it('maps addresses by whole segments, the longest archive first', () => {
    const archives = [archive, security, `${archive}/sub`];
    expect(archiveOf(`${archive}/dists/x`, archives)).toBe(archive);
    expect(archiveOf(`${security}/dists/x`, archives)).toBe(security);
    expect(archiveOf(`${archive}/sub/x`, archives)).toBe(`${archive}/sub`);
    expect(archiveOf('http://ftp.debian.org/debiana/x', archives)).toBeUndefined();
  });
});

describe('mirror routes', () => {
  const near = { url: 'http://near.example/debian', source: 'host' } as const;
  const far = { url: 'http://far.example/debian', source: 'host' } as const;
  const own = { url: archive, source: 'definition' } as const;
  const open = (candidates: readonly MirrorCandidate[] = [near, far, own]) => {
    const events: EventBody[] = [];
    const routes = createMirrorRoutes(new Map([[archive, candidates]]), (event) => events.push(event));
    const bases = (url = archive) => routes.route(url).candidates.map((one) => one.url);
    return { events, routes, bases };
  };
  const refused = (message: string) => fetchError('ICT_FETCH_MISMATCH', { message });
  const unreachable = (message: string) => fetchError('ICT_FETCH_CONNECTION', { message });

  it('begin with the first candidate and leave unknown archives alone', () => {
    const { routes, bases } = open();
    expect(routes.route(`${archive}/pool/a.deb`)).toMatchObject({ candidates: [near, far, own], rest: '/pool/a.deb' });
    expect(bases('http://elsewhere.example/x')).toEqual(['http://elsewhere.example/x']);
    expect(routes.candidates('http://elsewhere.example/')).toEqual([{ url: 'http://elsewhere.example', source: 'definition' }]);
  });

  it('useMirror routes and says so; only candidates are accepted', () => {
    const { routes, events, bases } = open();
    routes.useMirror(`${archive}/`, `${far.url}/`);
    routes.useMirror(archive, far.url);
    expect(bases(`${archive}/x`)).toEqual([far.url, near.url, archive]);
    expect(events).toEqual([{ type: 'mirror.chosen', archive, url: far.url, source: 'host' }]);
    expect(() => routes.useMirror(archive, 'http://evil.example/debian')).toThrow(
      expect.objectContaining({ code: 'ICT_FETCH_ADDRESS' }) as Error,
    );
  });

  it('take the mirrors of a list before the archive itself, each once and ten at most', () => {
    const { routes, bases } = open();
    routes.offerMirrors(archive, [`${far.url}/`, 'http://listed.example/debian/', 'http://listed.example/debian']);
    routes.offerMirrors(archive, ['http://listed.example/debian']);
    expect(bases()).toEqual([near.url, far.url, 'http://listed.example/debian', archive]);
    routes.offerMirrors(
      security,
      Array.from({ length: 60 }, (_, number) => `http://${number}.example/`),
    );
    expect(bases(`${security}/x`)).toHaveLength(11);
    expect(bases(`${security}/x`).at(-1)).toBe(security);
  });

  it('take no list for an archive whose mirrors somebody named', () => {
    const { routes, bases } = open([{ url: near.url, source: 'flag' }]);
    expect([routes.takesMirrors(archive), routes.takesMirrors(security)]).toEqual([false, true]);
    routes.offerMirrors(archive, ['http://listed.example/debian']);
    expect(bases()).toEqual([near.url]);
  });

  it('chooseMirror passes mirrors over that fail, and stays with the first that works', async () => {
    const { routes, events, bases } = open();
    const tried: string[] = [];
    const pin = async (): Promise<string> => {
      const [url = '', ...others] = bases();
      expect(others).toEqual([]); // what is tried is this mirror
      tried.push(url);
      if (url === near.url) throw refused('bad signature');
      return url;
    };
    expect(await routes.chooseMirror(archive, pin)).toBe(far.url);
    expect(await routes.chooseMirror(archive, pin)).toBe(far.url);
    expect(tried).toEqual([near.url, far.url, far.url]);
    expect(events).toMatchObject([
      { type: 'warning', code: 'ICT_FETCH_MIRROR_REFUSED', message: expect.stringContaining('bad signature') as string },
      { type: 'mirror.chosen', url: far.url, source: 'host' },
    ]);
    expect(bases()).toEqual([far.url, archive, near.url]);
  });

  it.each([
    ['what is wrong before what is absent', [unreachable('a'), refused('b'), unreachable('c')], 'ICT_FETCH_MISMATCH'],
    [
      'what is absent before what cannot be reached',
      [unreachable('a'), fetchError('ICT_FETCH_NOT_FOUND', { message: 'b' }), unreachable('c')],
      'ICT_FETCH_NOT_FOUND',
    ],
    ['the last of equals', [unreachable('a'), unreachable('b'), unreachable('c')], 'ICT_FETCH_CONNECTION'],
  ])('fail with %s, and name every mirror', async (_what, failures, code) => {
    const { routes, events, bases } = open();
    const tried: string[] = [];
    const pin = () => {
      tried.push(bases()[0]!);
      return Promise.reject(failures[[near.url, far.url, archive].indexOf(bases()[0]!)]!);
    };
    await expect(routes.chooseMirror(archive, pin)).rejects.toMatchObject({
      code,
      facts: { mirrors: [near.url, far.url, archive].map((url, at) => ({ url, code: failures[at]!.code, message: 'abc'[at] })) },
      message: expect.stringMatching(/; tried: http:\/\/near.*\(a\); http:\/\/far.*\(b\); http:\/\/ftp.*\(c\)$/) as string,
    });
    // Those that may come back are asked twice.
    expect(tried).toHaveLength(3 + failures.filter((failure) => failure.code === 'ICT_FETCH_CONNECTION').length);
    expect(events).toEqual([]);
  });

  it('end at once with a failure that is no mirror’s fault, or of the only mirror', async () => {
    const defect = new Error('a defect');
    const pin = vi.fn(() => Promise.reject(defect));
    await expect(open().routes.chooseMirror(archive, pin)).rejects.toBe(defect);
    expect(pin).toHaveBeenCalledTimes(1);
    const failure = unreachable('no');
    await expect(open([{ url: near.url, source: 'flag' }]).routes.chooseMirror(archive, () => Promise.reject(failure))).rejects.toBe(
      failure,
    );
  });

  it('end with --offline, as it was said, when no directory stands in', async () => {
    const failure = fetchError('ICT_FETCH_OFFLINE', { message: 'offline' });
    const pin = vi.fn(() => Promise.reject(failure));
    await expect(open().routes.chooseMirror(archive, pin)).rejects.toBe(failure);
    expect(pin).toHaveBeenCalledTimes(3);
  });

  it('stop at once when aborted', async () => {
    const { routes, events } = open();
    const reason = new Error('enough');
    await expect(routes.chooseMirror(archive, () => Promise.reject(refused('x')), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(events).toEqual([]);
  });

  it('let repositories of an archive that has no other mirror be read side by side', async () => {
    const { routes } = open();
    let running = 0;
    const pin = async (): Promise<number> => {
      running += 1;
      await new Promise(setImmediate);
      return running;
    };
    expect(await Promise.all([routes.chooseMirror(security, pin), routes.chooseMirror(security, pin)])).toEqual([2, 2]);
  });

  it('let repositories of one archive try the same mirror side by side', async () => {
    const { routes, events, bases } = open();
    let running = 0;
    const pin = async () => {
      running += 1;
      await new Promise(setImmediate);
      return { running, bases: bases() };
    };
    const pinned = await Promise.all([routes.chooseMirror(archive, pin), routes.chooseMirror(archive, pin)]);
    expect(pinned[0]).toEqual({ running: 2, bases: [near.url] });
    expect(pinned[1].running).toBe(2);
    expect(events).toEqual([{ type: 'mirror.chosen', archive, url: near.url, source: near.source }]);
  });

  it('let a repository that the shared mirror fails choose by itself, after the others', async () => {
    const { routes, events, bases } = open();
    const tried: string[] = [];
    const pin = (suite: string, bad: readonly string[]) => async (): Promise<string> => {
      const [url = ''] = bases();
      tried.push(`${suite} ${url}`);
      await new Promise(setImmediate);
      if (bad.includes(url)) throw refused(`no ${suite}`);
      return url;
    };
    const pinned = await Promise.all([
      routes.chooseMirror(archive, pin('one', [])),
      routes.chooseMirror(archive, pin('two', [near.url])),
      routes.chooseMirror(archive, pin('three', [near.url, far.url])),
    ]);
    expect(pinned).toEqual([near.url, far.url, archive]);
    expect(tried).toEqual([
      ...['one', 'two', 'three'].map((suite) => `${suite} ${near.url}`),
      ...[near.url, far.url].map((url) => `two ${url}`),
      ...[far.url, archive].map((url) => `three ${url}`),
    ]);
    expect(events.flatMap((event) => (event.type === 'mirror.chosen' ? [event.url] : []))).toEqual([near.url, far.url, archive]);
  });

  it('try one mirror of an archive at a time', async () => {
    const { routes, bases } = open();
    const pin = async (): Promise<string | undefined> => {
      expect(bases()).toHaveLength(1);
      await new Promise(setImmediate);
      const [url] = bases();
      if (url === near.url) throw refused('bad');
      return url;
    };
    expect(
      await Promise.all([routes.chooseMirror(archive, pin), routes.chooseMirror(archive, pin), routes.chooseMirror(archive, pin)]),
    ).toEqual([far.url, far.url, far.url]);
  });

  it('end a repository at once with what is no fault of the shared mirror', async () => {
    const defect = new Error('a defect');
    const broken = vi.fn(() => Promise.reject(defect));
    const { routes } = open();
    const [one, two] = await Promise.allSettled([
      routes.chooseMirror(archive, () => new Promise<number>((resolve) => setImmediate(resolve, 1))),
      routes.chooseMirror(archive, broken),
    ]);
    expect([one, two]).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: defect },
    ]);
    expect(broken).toHaveBeenCalledTimes(1);
  });
});
