// a block by EIP-1898 object
>> {"jsonrpc":"2.0","id":1,"method":"eth_getProof","params":["0x1212121212121212121212121212121212121212",[],{"blockHash":"0x44136f822d4986a9dbd986deecb21724191d64964d0d29dc9346ca58170e4eac","requireCanonical":true}]}
<< {"jsonrpc":"2.0","id":1,"result":{"address":"0x1212121212121212121212121212121212121212","accountProof":["0xc180"],"balance":"0x0","codeHash":"0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470","nonce":"0x0","storageHash":"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421","storageProof":[]}}
