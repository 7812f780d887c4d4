import type { Provider } from '@ict/plugin-api';
import { createInstaller } from './installer.js';
import { createInventory } from './inventory.js';
import { createMetadataSource } from './metadata.js';
import { createPackageVerifier } from './package-file.js';
import { createResolver } from './resolve.js';

export function createTarballProvider(): Provider {
  return {
    ecosystem: 'tarballs',
    metadata: createMetadataSource(),
    resolver: createResolver(),
    verifier: createPackageVerifier(),
    installer: createInstaller(),
    inventory: createInventory(),
    fileName: ({ name, version, arch }) => `${name}-${version}.${arch}.tar.gz`,
  };
}
