import type { Provider } from '@ict/plugin-api';
import { createCatalogue } from './catalogue.js';
import { createFileName } from './file-name.js';
import { createInstaller } from './installer.js';
import { createInventory } from './inventory.js';
import { createMetadataSource } from './metadata.js';
import { createResolver } from './resolve.js';
import { createPackageVerifier } from './verify.js';

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
