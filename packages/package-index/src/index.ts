export { packageIndexError } from './errors.js';
export { keepContainer, recallContainer, type ContainerContext } from './container-memory.js';
export { editDistance, nearestNames } from './near-names.js';
export { NumberColumn } from './number-column.js';
export { decodeSections, encodeSections } from './sections.js';
export type { Section, Sections, SectionsKind } from './sections.js';
export { TextHeap } from './text-heap.js';
export { lookupColumns, lookupSections, TextLookup, TextLookupBuilder } from './text-lookup.js';
export type { LookupColumns } from './text-lookup.js';
