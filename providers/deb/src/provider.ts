import type { Provider } from '@ict/plugin-api';
import { refuseForeign } from './architecture.js';
import { createCatalogue } from './resolve/catalogue.js';
import { createFileName } from './file-name.js';
import { createInstaller } from './install/installer.js';
import { createInventory } from './install/inventory.js';
import { createMetadataSource } from './metadata/metadata.js';
import { createResolver } from './resolve/resolver.js';
import { createTwinWriter } from './install/twins.js';
import { createPackageVerifier } from './trust/verify.js';

/** Everything that ICT does with deb packages, made of parts that also work alone. Holds no state. */
export function createDebProvider(): Provider {
  return {
    ecosystem: 'deb',
    metadata: createMetadataSource(),
    resolver: createResolver(),
    verifier: createPackageVerifier(),
    installer: createInstaller(),
    inventory: createInventory(),
    catalogue: createCatalogue(),
    twins: createTwinWriter(),
    fileName: createFileName,
    refuseForeign,
  };
}
