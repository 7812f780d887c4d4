import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openStore } from '../../src/stores/store.js';
import { useWorld, world } from '../world.js';
import { content, get, open, PLACE, put, registry, start, useRegistry } from './registry-world.js';

useWorld();
useRegistry();

describe('who asks is proved', () => {
  it('by user and password of the address', async () => {
    await start({ who: 'me:s@cret' });
    const store = open({ who: 'me:s%40cret' });
    await put(store);
    expect(await get(open({ who: 'me:s%40cret', use: 'read' }))).toEqual(content);
    await expect(get(open({ use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
    await expect(get(open({ who: 'me:other', use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it('by tokens, of those who only ask for less than of those who write', async () => {
    await start({ who: 'me:secret', challenge: 'bearer' });
    await put(open({ who: 'me:secret' }));
    expect(registry.scopes).toEqual(['repository:acme/ict-cache:pull,push']);
    expect(await get(open({ who: 'me:secret', use: 'read' }))).toEqual(content);
    expect(registry.scopes).toEqual(['repository:acme/ict-cache:pull,push', 'repository:acme/ict-cache:pull']);
    await expect(get(open({ who: 'me:other', use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it('by tokens that everybody gets', async () => {
    await start({ challenge: 'bearer' });
    await put(open());
    expect(await get(open())).toEqual(content);
  });

  it('again when a token is no longer good', async () => {
    await start({ who: 'me:secret', challenge: 'bearer', tokenUses: 1 });
    const store = open({ who: 'me:secret' });
    await put(store);
    expect(await get(store)).toEqual(content);
  });

  it('as the next file knows it', async () => {
    await start({ who: 'me:secret' });
    const write = (file: string, content: unknown): void => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(content));
    };
    const auth = Buffer.from('me:secret').toString('base64');
    write(join(world.root, 'run/containers/auth.json'), { auths: { 'other.example': { auth: 'x' } }, credHelpers: null });
    write(join(world.root, '.config/containers/auth.json'), null);
    write(join(world.root, '.docker/config.json'), { auths: { [registry.host]: { auth }, broken: null, odd: { auth: 5 } } });
    await put(open({ env: { XDG_RUNTIME_DIR: join(world.root, 'run') } }));
    expect(registry.manifests.size).toBe(1);
  });

  it('by no program that is needed for what everybody may read', async () => {
    await start({ challenge: 'bearer' });
    await put(open());
    const env = helper('exit 3', () => ({ credsStore: 'test' }));
    expect(await get(open({ env, use: 'read' }))).toEqual(content);
  });

  it('by no program that goes on when the build is to end', async () => {
    await start({ who: 'me:secret' });
    const env = helper(`touch ${join(world.root, 'asked')}; trap '' TERM; sleep 60`, () => ({ credsStore: 'test' }));
    const reason = new Error('enough');
    const store = openStore(
      `oci+http://${registry.host}/acme/ict-cache`,
      { ...world.transport, signal: world.signal, env: { HOME: world.root, ...env } },
      'read',
    );
    const asked = store.get({ place: PLACE, maxBytes: 100 }).catch((error: unknown) => error);
    await vi.waitUntil(() => existsSync(join(world.root, 'asked')));
    world.abort(reason);
    expect(await asked).toBe(reason);
  });

  it.each([
    ['one scheme after the other', 'Bearer realm="REALM",service="registry.example", Basic realm="registry"'],
    ['the other first', 'Basic realm="registry", Bearer service=registry.example, realm="REALM"'],
  ])('to a challenge of %s', async (_what, says) => {
    await start({ challenge: 'bearer', says });
    await put(open());
    expect(await get(open({ use: 'read' }))).toEqual(content);
  });

  it('as docker, podman and skopeo know it', async () => {
    await start({ who: 'me:se:cret' });
    const auth = Buffer.from('me:se:cret').toString('base64');
    const config = (auths: object): string => {
      const directory = join(world.root, 'docker');
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'config.json'), JSON.stringify({ auths }));
      return directory;
    };
    await put(open({ env: { DOCKER_CONFIG: config({ [registry.host]: { auth } }) } }));
    for (const name of [`${registry.host}/acme`, `${registry.host}/acme/ict-cache`, `https://${registry.host}/v2/`]) {
      expect(await get(open({ env: { DOCKER_CONFIG: config({ [name]: { auth } }) } })), name).toEqual(content);
    }
    const file = join(config({ [registry.host]: { auth } }), 'config.json');
    expect(await get(open({ env: { REGISTRY_AUTH_FILE: file } }))).toEqual(content);
    await expect(get(open({ env: { DOCKER_CONFIG: config({ 'other.example': { auth } }) }, use: 'read' }))).rejects.toMatchObject({
      facts: { status: 401 },
    });
  });

  it('by an identity token', async () => {
    await start({ who: 'long-lived', challenge: 'bearer' });
    const file = join(world.root, 'auth.json');
    writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { identitytoken: 'long-lived' } } }));
    await put(open({ env: { REGISTRY_AUTH_FILE: file } }));
    expect(registry.asked).toContain('POST /token');
    expect(await get(open({ env: { REGISTRY_AUTH_FILE: file } }))).toEqual(content);
  });

  const helper = (script: string, settings: (name: string) => object): Readonly<Record<string, string>> => {
    const programs = join(world.root, 'programs');
    mkdirSync(programs, { recursive: true });
    writeFileSync(join(programs, 'docker-credential-test'), `#!/bin/sh\nread server\n${script}\n`);
    chmodSync(join(programs, 'docker-credential-test'), 0o755);
    writeFileSync(join(world.root, 'auth.json'), JSON.stringify(settings(registry.host)));
    return { REGISTRY_AUTH_FILE: join(world.root, 'auth.json'), PATH: `${programs}${delimiter}${process.env['PATH']}` };
  };

  it.each([
    ['credsStore', () => ({ credsStore: 'test' })],
    ['credHelpers', (host: string) => ({ credHelpers: { [host]: 'test' } })],
  ])('by a program that %s names', async (_setting, settings) => {
    await start({ who: 'me:secret' });
    const env = helper(`[ "$1 $server" = "get ${registry.host}" ] && echo '{"Username":"me","Secret":"secret"}'`, settings);
    await put(open({ env }));
    expect(await get(open({ env }))).toEqual(content);
  });

  it('by nothing that a program does not know', async () => {
    await start({ who: 'me:secret' });
    const env = helper('echo "credentials not found in native keychain"; exit 1', () => ({ credsStore: 'test' }));
    await expect(get(open({ env, use: 'read' }))).rejects.toMatchObject({ code: 'ICT_FETCH_STATUS', facts: { status: 401 } });
  });

  it.each([
    ['a program that fails', 'echo broken >&2; exit 3', 'docker-credential-test failed'],
    ['a program that says something else', 'echo hello', 'docker-credential-test said something else'],
  ])('%s is named', async (_what, script, message) => {
    await start({ who: 'me:secret' });
    const env = helper(script, () => ({ credsStore: 'test' }));
    await expect(get(open({ env, use: 'read' }))).rejects.toThrow(message);
  });

  it.each([
    ['no JSON', '{"auths": {"a": {"auth": "c2VjcmV0"', 'is no JSON'],
    ['a user alone', '{"auths":{"HOST":{"auth":"c2VjcmV0"}}}', 'holds no user and password'],
  ])('a file with %s is named, and not quoted', async (_what, text, message) => {
    await start({ who: 'me:secret' });
    const file = join(world.root, 'auth.json');
    writeFileSync(file, text.replace('HOST', registry.host));
    const failure: unknown = await get(open({ env: { REGISTRY_AUTH_FILE: file }, use: 'read' })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN', kind: 'network', facts: { source: file } });
    expect((failure as Error).message).toContain(message);
    expect((failure as Error).message).not.toMatch(/c2VjcmV0|: secret/);
  });

  it.each([
    ['names no service', 'Bearer service="registry.example"'],
    ['names a service that is no address', 'Bearer realm="token",service="registry.example"'],
    ['names a service of another kind', 'Bearer realm="file:///etc/passwd"'],
  ])('to no challenge that %s', async (_what, says) => {
    await start({ says, challenge: 'bearer' });
    await expect(get(open({ who: 'me:secret' }))).rejects.toMatchObject({ code: 'ICT_REMOTE_CACHE_LOGIN' });
  });
});
