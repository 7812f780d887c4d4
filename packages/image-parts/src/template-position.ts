import type { ImageSpec, SourcePosition } from '@ict/plugin-api';

/** Where a value was written: its own place, or that of the nearest part of the template around it. */
export function positionOf(spec: Pick<ImageSpec, 'positions'>, path: string): SourcePosition | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['), 0))) {
    const position = spec.positions.get(at);
    if (position !== undefined) return position;
  }
  return undefined;
}
