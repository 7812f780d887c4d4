import type { TwinWriter } from '@ict/plugin-api';

/** Twins of deb packages are deb packages of the same two archives, uncompressed: dpkg takes them as they are. */
export function createTwinWriter(): TwinWriter {
  return {
    version: 1,
    async write(file, out, { signal }) {
      const { writePlainDeb } = await import('@ict/archive');
      await writePlainDeb(file, out, { signal });
    },
  };
}
