import { canonicalJson, compareText, digestParts, uuidFrom } from '@ict/integrity';
import { fileAddress } from '@ict/plugin-api';
import type { BillInput, Digest, Exporter, Json } from '@ict/plugin-api';
import { formatTime, joinPackages, renderJson, type BillPackage } from './inventory.js';
import { SpdxIds } from './spdx-id.js';
import { formatSupplier } from './supplier.js';

const NONE = 'NOASSERTION';

interface Relationship {
  readonly spdxElementId: string;
  readonly relationshipType: 'DESCRIBES' | 'CONTAINS' | 'DEPENDS_ON' | 'GENERATED_FROM';
  readonly relatedSpdxElement: string;
}

/**
 * SPDX 2.3 as JSON: the image, every package installed in it, and every file made of it.
 *
 * The image CONTAINS its packages, packages DEPENDS_ON one another as the lock resolved them, and each file is GENERATED_FROM the
 * image. The document is a function of its input: its time is the build's epoch, its namespace follows from the lock and its content.
 *
 * @see https://spdx.github.io/spdx-spec/v2.3/
 */
export function createSpdxExporter(): Exporter {
  return { name: 'spdx', extension: 'spdx.json', export: (input) => renderJson(spdxDocument(input)) };
}

function spdxDocument(input: BillInput): object {
  const { image } = input.spec;
  const ids = new SpdxIds();
  const imageId = ids.take('Image', image.name);
  const packages = joinPackages(input).map((pkg) => ({ pkg, spdxId: ids.take('Package', `${pkg.installed.name}-${pkg.installed.arch}`) }));
  const artifacts = [...input.artifacts]
    .sort((a, b) => compareText(a.name, b.name))
    .map((artifact) => ({ artifact, spdxId: ids.take('Artifact', artifact.name) }));
  const idOf = new Map(packages.map(({ pkg, spdxId }) => [pkg.id, spdxId]));
  const relationships: Relationship[] = [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: imageId },
    ...packages.map(({ spdxId }): Relationship => ({ spdxElementId: imageId, relationshipType: 'CONTAINS', relatedSpdxElement: spdxId })),
    ...packages.flatMap(({ pkg, spdxId }) => dependencies(pkg, spdxId, idOf)),
    ...artifacts.map(
      ({ spdxId }): Relationship => ({ spdxElementId: spdxId, relationshipType: 'GENERATED_FROM', relatedSpdxElement: imageId }),
    ),
  ];
  const licences = extractedLicences(packages.map(({ pkg }) => pkg));
  const content = {
    name: `${image.name}-${image.version}`,
    creationInfo: { created: formatTime(input.epochSeconds), creators: [`Tool: ${input.creator.trim().replaceAll(/\s+/gu, '-')}`] },
    packages: [
      imagePackage(input, imageId),
      ...packages.map(({ pkg, spdxId }) => installedPackage(pkg, spdxId)),
      ...artifacts.map(({ artifact, spdxId }) => artifactPackage(artifact, image.version, spdxId)),
    ],
    ...(licences.length === 0 ? {} : { hasExtractedLicensingInfos: licences }),
    relationships,
  };
  const uuid = uuidFrom(input.seed, `spdx/${canonicalJson(content as unknown as Json)}`);
  const { name, creationInfo, ...rest } = content;
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${uuid}`,
    creationInfo,
    ...rest,
  };
}

function imagePackage(input: BillInput, spdxId: string): object {
  const { image, target, system } = input.spec;
  return {
    SPDXID: spdxId,
    name: image.name,
    versionInfo: image.version,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    summary: `${input.distribution.title} for ${target.arch}, image type ${target.imageType}`,
    ...(system.description === undefined ? {} : { description: system.description }),
    // No primaryPackagePurpose: the schemas of 2.3 and of 2.3.1 write that of an operating system differently.
  };
}

function installedPackage({ installed, resolved, repository }: BillPackage, spdxId: string): object {
  const source = installed.source ?? resolved?.source;
  const homepage = installed.homepage ?? resolved?.homepage;
  const summary = installed.summary ?? resolved?.summary;
  return {
    SPDXID: spdxId,
    name: installed.name,
    versionInfo: installed.version,
    ...(resolved === undefined ? {} : { packageFileName: resolved.path.slice(resolved.path.lastIndexOf('/') + 1) }),
    supplier: formatSupplier(installed.maintainer ?? resolved?.maintainer),
    downloadLocation: resolved === undefined || repository === undefined ? NONE : locationOf(fileAddress(repository, resolved)),
    filesAnalyzed: false,
    ...(resolved === undefined ? {} : { checksums: [checksum(resolved.digest)] }),
    ...(homepage !== undefined && /^https?:\/\/\S+$/u.test(homepage) ? { homepage } : {}),
    ...(source === undefined ? {} : { sourceInfo: `built from source package ${source.name} ${source.version}` }),
    licenseConcluded: NONE,
    licenseDeclared: installed.licence ?? NONE,
    copyrightText: installed.copyright ?? NONE,
    ...(summary === undefined ? {} : { summary }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: installed.purl }],
    primaryPackagePurpose: 'INSTALL',
  };
}

/** Of a repository in a directory beside the template, there is no address that leads there from anywhere. */
function locationOf(address: string): string {
  return URL.canParse(address) ? address : NONE;
}

function artifactPackage(artifact: BillInput['artifacts'][number], version: string, spdxId: string): object {
  return {
    SPDXID: spdxId,
    name: artifact.name,
    versionInfo: version,
    packageFileName: artifact.name,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    checksums: [checksum(artifact.digest)],
    licenseConcluded: NONE,
    licenseDeclared: NONE,
    copyrightText: NONE,
    primaryPackagePurpose: 'FILE',
  };
}

function dependencies(pkg: BillPackage, spdxId: string, idOf: ReadonlyMap<string, string>): readonly Relationship[] {
  return [...new Set(pkg.resolved?.requires ?? [])].sort(compareText).flatMap((id): readonly Relationship[] => {
    const related = idOf.get(id);
    return related === undefined || related === spdxId
      ? []
      : [{ spdxElementId: spdxId, relationshipType: 'DEPENDS_ON', relatedSpdxElement: related }];
  });
}

/** One entry for each `LicenseRef-` that a declared licence uses: SPDX wants each of them explained. */
function extractedLicences(packages: readonly BillPackage[]): readonly object[] {
  const users = new Map<string, string[]>();
  for (const { installed } of packages) {
    for (const id of new Set(installed.licence?.match(/LicenseRef-[A-Za-z0-9.-]+/gu)))
      users.set(id, [...(users.get(id) ?? []), installed.name]);
  }
  return [...users]
    .sort(([a], [b]) => compareText(a, b))
    .map(([licenseId, names]) => ({
      licenseId,
      extractedText: `What it says is known to the packages of the image that declare it: ${[...new Set(names)].join(', ')}.`,
      name: licenseId.slice('LicenseRef-'.length),
    }));
}

function checksum(digest: Digest): { readonly algorithm: string; readonly checksumValue: string } {
  const { algorithm, hex } = digestParts(digest);
  return { algorithm: algorithm.toUpperCase(), checksumValue: hex };
}
