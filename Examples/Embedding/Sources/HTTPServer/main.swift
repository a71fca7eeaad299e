import FlyingFox
import Glibc
import VMM

// A server whose answers come from guests, each from a machine of its own, which greets whoever is named:
//     Examples/GuestTests/build-kernel
//     swift run --package-path Examples/Embedding HTTPServer Examples/GuestTests/kernel.elf 8080
//     curl http://localhost:8080/hello/Ada
let (kernel, port) = (CommandLine.arguments[1], UInt16(CommandLine.arguments[2]) ?? 8080)
let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: port))

await server.appendRoute("GET /hello/:name") { request in
    let name = request.routeParameters["name"] ?? ""
    let output = ConsoleOutput(collectingUpTo: 64 << 10)
    var configuration = MachineConfiguration(image: .file(kernel), output: output)
    configuration.memorySize = 16 << 20
    configuration.input = ConsoleInput(Array("\(name)\n".utf8))
    // Whatever is sent, and whatever the guest makes of it; also where the client goes away, of which this server tells nobody.
    configuration.timeout = .seconds(5)
    do {
        switch try await VirtualMachine(configuration).run().reason {
        case .exited(status: 0): return HTTPResponse(statusCode: .ok, body: .init(output.collected))
        case .deadline: return HTTPResponse(statusCode: .gatewayTimeout)
        case let reason: return HTTPResponse(statusCode: .badGateway, body: .init("\(reason)\n".utf8))
        }
    } catch let error as VMMError {
        return HTTPResponse(statusCode: .internalServerError, body: .init("\(error)\n".utf8))
    }
}

let running = Task { try await server.run() }
try await server.waitUntilListening()
if case .ip4(_, let port) = await server.listeningAddress { print("Listening on port \(port).") }
fflush(nil)
try await running.value
