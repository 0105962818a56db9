/** The adapter of the package `ajv`, in a file of its own so that it is loaded only when needed. */

export { Ajv } from 'ajv';
