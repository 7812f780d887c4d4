import type { Provider } from '@ict/plugin-api';
import { createCatalogue } from './resolve/catalogue.js';
import { createFileName } from './file-name.js';
import { createInstaller } from './install/installer.js';
import { createInventory } from './install/inventory.js';
import { createMetadataSource } from './metadata/metadata.js';
import { createResolver } from './resolve/resolve.js';
import { createPackageVerifier } from './trust/verify.js';

/** Everything that ICT does with rpm packages, made of parts that also work alone. Holds no state. */
export function createRpmProvider(): Provider {
  return {
    ecosystem: 'rpm',
    metadata: createMetadataSource(),
    resolver: createResolver(),
    verifier: createPackageVerifier(),
    installer: createInstaller(),
    inventory: createInventory(),
    catalogue: createCatalogue(),
    fileName: createFileName,
  };
}
