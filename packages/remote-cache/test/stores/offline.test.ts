import { expect, it } from 'vitest';
import { withoutNetwork } from '../../src/stores/offline.js';

const servers = ['http://c.example', 'https://c.example', 'oci://c.example/a', 'oci+http://c.example/a', 's3://bucket', 'c.example', ''];
const directory = 'file:///srv/ict';

it('of remote caches, those in directories need no network', () => {
  expect(withoutNetwork({ urls: [...servers, directory], upload: { url: directory, key: 1 }, trustedKeys: ['a'] })).toEqual({
    urls: [directory],
    upload: { url: directory, key: 1 },
    trustedKeys: ['a'],
  });
});

it.each(servers)('%s does', (url) => {
  expect(withoutNetwork({ urls: [url], upload: { url } })).toEqual({ urls: [] });
});
