import type { Digest } from '@ict/plugin-api';
import type { Lock } from '../../src/locks/lock.js';

export const digest = `sha256:${'1'.repeat(64)}` as Digest;
export const entry = {
  id: 'bash:amd64',
  name: 'bash',
  version: '5.2-1',
  arch: 'amd64',
  repository: 'main',
  path: 'pool/bash.deb',
  digest,
  sizeBytes: 5,
  requires: [],
  requestedBy: ['essential'],
};
export const lock: Lock = {
  lockVersion: 1,
  target: 'debian-debian13-x86_64',
  request: digest,
  repositories: [
    {
      id: 'main',
      archive: 'http://archive',
      suite: 'stable',
      components: ['main'],
      root: { path: 'InRelease', digest, sizeBytes: 9, dateSeconds: 1_700_000_000 },
      signers: ['ABCD'],
      indexes: [
        {
          path: 'dists/stable/main/Packages.xz',
          byHash: 'dists/by-hash/1',
          digest,
          sizeBytes: 7,
          plain: { digest, sizeBytes: 9 },
          component: 'main',
        },
      ],
    },
  ],
  plugins: { deb: '1' },
  packages: [entry],
  tools: [],
};
