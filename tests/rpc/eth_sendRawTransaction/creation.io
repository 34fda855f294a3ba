// a creation is a transaction like any other
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x02f851825cee050307830186a0808060c001a0293f9eaa2d99f7643a202e16c3049b52699d0069ea6e0e4e67273a8572418e49a03afe18649d6af0de29d0efe7b93a5c5da52afd0679dfd8e0420074693b37fd7b"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xf49831b95461ccbc19225d6d1a534b8d694636ae47841ccad434bbbe93a8ba0d"}
