/** The door of the package `ajv`: a file of its own, so that a bundle can load it when it is asked for. */

export { Ajv } from 'ajv';
