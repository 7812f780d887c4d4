import { UNSUPPORTED_YET, type ArtifactType, type DistributionDefinition, type ImageSpec, type ProblemReport } from '@ict/plugin-api';
import { artifactExtension, compressionCapability, positionOf } from '@ict/image-parts';

/** Adds a problem at a place of the template. */
export type Report = (path: string, message: string, hint: string, code?: string) => void;

/** Gathers problems of a template. */
export function problemsOf(spec: ImageSpec, check: (report: Report) => void): readonly ProblemReport[] {
  const problems: ProblemReport[] = [];
  check((path, message, hint, code = 'ICT_IMAGE_UNSUPPORTED') => {
    const position = positionOf(spec, path);
    problems.push({ code, message, hint, severity: 'error', ...(position === undefined ? {} : { position }) });
  });
  return problems;
}

/**
 * Refuses artifacts of any but one type, those that are listed twice, and those for which the definition names no programs.
 *
 * @param own `extension` is what the names of all end with, whatever their compression; absent: each its own.
 */
export function checkArtifacts(
  spec: ImageSpec,
  distribution: DistributionDefinition,
  own: { readonly type: ArtifactType; readonly what: string; readonly extension?: string },
  report: Report,
): void {
  const seen = new Set<string>();
  spec.disk.artifacts.forEach((artifact, index) => {
    const path = `disk.artifacts[${index}]`;
    const extension = own.extension ?? artifactExtension(artifact);
    if (artifact.type !== own.type) {
      report(`${path}.type`, `${own.what} has no artifact of type ${artifact.type}`, `Use "type: ${own.type}", or remove disk.artifacts.`);
    } else if (seen.has(extension)) report(path, `the artifact "${extension}" is listed twice`, 'Remove one of them.');
    seen.add(extension);
    const capability = compressionCapability(artifact.compression);
    if (capability === undefined || Object.hasOwn(distribution.tools.packages, capability)) return;
    report(
      `${path}.compression`,
      `the definition of ${distribution.title} names no packages for "${capability}", which this template needs`,
      'Add them under tools.packages of the definition, or use gz or zstd.',
      UNSUPPORTED_YET,
    );
  });
}

/** Capabilities of the tools tree that the artifacts need, each once, sorted. */
export function artifactTools(spec: ImageSpec): readonly string[] {
  const found = spec.disk.artifacts.flatMap(({ compression }) => compressionCapability(compression) ?? []);
  return [...new Set(found)].sort();
}
