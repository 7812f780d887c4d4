export { AssemblyModule, MAX_PAGES, PAGE_BYTES, type AssemblyExports, type Imports } from './assembly-module.js';
