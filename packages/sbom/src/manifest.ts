import { compareText } from '@ict/integrity';
import type { BillInput, Exporter } from '@ict/plugin-api';
import { formatTime, joinPackages, renderJson, type BillPackage } from './inventory.js';

/**
 * The manifest of a build: what the image is, which signed repositories it came from, what is installed and who vouched for it, and the
 * files that were made. Its schema is `schema/manifest.schema.json` of this package.
 */
export function createManifestExporter(): Exporter {
  return { name: 'manifest', extension: 'manifest.json', export: (input) => renderJson(manifest(input)) };
}

function manifest(input: BillInput): object {
  const { disk, image, system, target } = input.spec;
  return {
    schemaVersion: 1,
    image: { name: image.name, version: image.version },
    target: {
      ...{ os: target.os, dist: target.dist, arch: target.arch, imageType: target.imageType },
      // Nothing of an image without partitions is for firmware, whatever the template says of it.
      ...(system.bootloader.bootType === 'legacy' && disk.partitions.length > 0 ? { firmware: 'bios' } : {}),
    },
    creator: input.creator,
    epoch: formatTime(input.epochSeconds),
    lock: input.seed,
    repositories: input.repositories
      .map(({ id, archive, suite, components, root, signers }) => ({
        id,
        archive,
        suite,
        components: [...components],
        root: {
          path: root.path,
          digest: root.digest,
          date: formatTime(root.dateSeconds),
          ...(root.version === undefined ? {} : { version: root.version }),
        },
        signers: [...signers].sort(compareText),
      }))
      .sort((a, b) => compareText(a.id, b.id)),
    packages: joinPackages(input).map(manifestPackage),
    artifacts: input.artifacts
      .map(({ name, digest, sizeBytes }) => ({ name, digest, sizeBytes }))
      .sort((a, b) => compareText(a.name, b.name)),
  };
}

/** `repository`, `digest` and `signers` are null for a package that the lock does not know: nobody vouched for it. */
function manifestPackage({ installed, resolved, repository }: BillPackage): object {
  return {
    name: installed.name,
    version: installed.version,
    arch: installed.arch,
    purl: installed.purl,
    repository: resolved?.repository ?? null,
    digest: resolved?.digest ?? null,
    signers: repository === undefined ? null : [...repository.signers].sort(compareText),
    licence: installed.licence ?? null,
    requestedBy: resolved === undefined ? [] : [...resolved.requestedBy].sort(compareText),
  };
}
