import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDeb822Sources, parseOneLineSources, readHostSources } from '../src/host-sources.js';
import { createMirrorRoutes } from '../src/mirror-routes.js';
import { archiveOf, chooseMirrors } from '../src/mirrors.js';

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

  it('takes a mapping as the only candidate, flags before configuration', () => {
    const config = { [`${archive}/`]: 'http://config.example/d/', [security]: 'file:///srv/security' };
    const map = chooseMirrors({ flags: { [archive]: 'https://flag.example/debian' }, config, hostSources, archives: [archive, security] });
    expect(map.get(archive)).toEqual([{ url: 'https://flag.example/debian', source: 'flag' }]);
    expect(map.get(security)).toEqual([{ url: 'file:///srv/security', source: 'config' }]);
  });

  it.each(['mirror.example/debian', 'ftp://mirror.example/debian', ''])('refuses %j as a mirror', (url) => {
    expect(() => chooseMirrors({ flags: { [archive]: url }, archives: [archive] })).toThrow(
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
  const open = (candidates: readonly { url: string; source: 'host' | 'definition' | 'flag' }[] = [near, far, own]) => {
    const events: EventBody[] = [];
    return { events, routes: createMirrorRoutes(new Map([[archive, candidates]]), (event) => events.push(event)) };
  };

  it('begins with the first candidate and leaves unknown archives alone', () => {
    const { routes } = open();
    expect(routes.route(`${archive}/pool/a.deb`)).toBe('http://near.example/debian/pool/a.deb');
    expect(routes.route('http://elsewhere.example/x')).toBe('http://elsewhere.example/x');
    expect(routes.candidates('http://elsewhere.example/')).toEqual([{ url: 'http://elsewhere.example', source: 'definition' }]);
  });

  it('useMirror routes and says so; only candidates are accepted', () => {
    const { routes, events } = open();
    routes.useMirror(`${archive}/`, `${far.url}/`);
    routes.useMirror(archive, far.url);
    expect(routes.route(`${archive}/x`)).toBe(`${far.url}/x`);
    expect(events).toEqual([{ type: 'mirror.chosen', archive, url: far.url, source: 'host' }]);
    expect(() => routes.useMirror(archive, 'http://evil.example/debian')).toThrow(
      expect.objectContaining({ code: 'ICT_FETCH_ADDRESS' }) as Error,
    );
  });

  it('chooseMirror passes host mirrors over that fail, and stays with the first that works', async () => {
    const { routes, events } = open();
    const tried: string[] = [];
    const pin = (): Promise<string> => {
      const url = routes.route(`${archive}/InRelease`);
      tried.push(url);
      return url.startsWith(near.url) ? Promise.reject(new Error('bad signature')) : Promise.resolve(url);
    };
    expect(await routes.chooseMirror(archive, pin)).toBe(`${far.url}/InRelease`);
    expect(await routes.chooseMirror(archive, pin)).toBe(`${far.url}/InRelease`);
    expect(tried).toHaveLength(3);
    expect(events).toMatchObject([
      { type: 'warning', code: 'ICT_FETCH_MIRROR_REFUSED' },
      { type: 'mirror.chosen', url: far.url, source: 'host' },
    ]);
  });

  it('fails with the last failure, at once for a mirror that was named', async () => {
    const named = open([{ url: near.url, source: 'flag' }, own]);
    const failure = new Error('no');
    await expect(named.routes.chooseMirror(archive, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(named.events).toEqual([]);
    const { routes, events } = open();
    let count = 0;
    await expect(routes.chooseMirror(archive, () => Promise.reject(new Error(`no ${(count += 1)}`)))).rejects.toThrow('no 3');
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(2);
  });

  it('stops at once when aborted', async () => {
    const { routes, events } = open();
    const reason = new Error('enough');
    await expect(routes.chooseMirror(archive, () => Promise.reject(new Error('x')), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(events).toEqual([]);
  });

  it('trials of one archive take turns', async () => {
    const { routes } = open();
    let running = 0;
    const pin = async (): Promise<string> => {
      expect((running += 1)).toBe(1);
      await new Promise(setImmediate);
      running -= 1;
      if (routes.route(archive) === near.url) throw new Error('bad');
      return routes.route(archive);
    };
    expect(
      await Promise.all([routes.chooseMirror(archive, pin), routes.chooseMirror(archive, pin), routes.chooseMirror(archive, pin)]),
    ).toEqual([far.url, far.url, far.url]);
  });
});
