import { expect, it } from 'vitest';
import type { DistributionDefinition, ImageSpec } from '@ict/plugin-api';
import { bareDefinition, bareSpec } from '../../src/repositories/bare-addresses.js';

const definition = (...repositories: object[]) =>
  ({ title: 'Acme', repositories: repositories.map((one) => ({ keyrings: [], ...one })) }) as unknown as DistributionDefinition;

it('takes users and passwords out of every address of a definition, and keeps them for the transport', () => {
  const { distribution, credentialed } = bareDefinition(
    definition(
      { id: 'a', archive: 'http://me:secret@a.example/x', metalink: 'http://token@a.example/metalink?repo=a' },
      { id: 'b', archive: 'http://b.example/x', mirrorlist: 'http://me:secret@b.example/list/' },
      { id: 'c', archive: 'http://me:secret@a.example/x', keyrings: ['/srv/me@work/k.asc', 'http://me:secret@c.example/k.asc'] },
    ),
  );
  expect(distribution).toEqual(
    definition(
      { id: 'a', archive: 'http://a.example/x', metalink: 'http://a.example/metalink?repo=a' },
      { id: 'b', archive: 'http://b.example/x', mirrorlist: 'http://b.example/list/' },
      { id: 'c', archive: 'http://a.example/x', keyrings: ['/srv/me@work/k.asc', 'http://c.example/k.asc'] },
    ),
  );
  expect(credentialed).toEqual([
    'http://me:secret@a.example/x',
    'http://token@a.example/metalink?repo=a',
    'http://me:secret@b.example/list/',
    'http://me:secret@c.example/k.asc',
  ]);
});

it('leaves a definition without them as it is', () => {
  const plain = definition({ id: 'a', archive: 'http://a.example/@scope' });
  const { distribution, credentialed } = bareDefinition(plain);
  expect(distribution).toEqual(plain);
  expect(credentialed).toEqual([]);
});

it('takes them out of the repositories of a specification', () => {
  const spec = {
    repositories: [
      { codename: 'a', url: 'http://me:secret@a.example', keys: ['http://me:secret@a.example/k.asc'] },
      { codename: 'b', path: '/srv/me@work', keys: [] },
      { codename: 'c', packages: ['http://me:secret@a.example/c.deb', 'me@work.deb'], keys: [] },
      { codename: 'd', packages: ['http://me:secret@[::1]/d@1.deb'], keys: ['http://[::1]:8080/me@work.asc'] },
    ],
  };
  expect(bareSpec(spec as unknown as ImageSpec).repositories).toEqual([
    { codename: 'a', url: 'http://a.example', keys: ['http://a.example/k.asc'] },
    { codename: 'b', path: '/srv/me@work', keys: [] },
    { codename: 'c', packages: ['http://a.example/c.deb', 'me@work.deb'], keys: [] },
    { codename: 'd', packages: ['http://[::1]/d@1.deb'], keys: ['http://[::1]:8080/me@work.asc'] },
  ]);
});
