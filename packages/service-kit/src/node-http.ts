/**
 * `node:http` as CommonJS has it. Its face as an ES module reads each export when it is imported, `WebSocket` among them, and so
 * loads undici, HTTP/2 and web streams: 2.7 MB of heap and 7 MB of memory in every thread that imports a status text.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
