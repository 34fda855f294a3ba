// more blocks than exist are cut at genesis; all fees are 0
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x5","latest",[25,75]]}
<< {"jsonrpc":"2.0","id":1,"result":{"oldestBlock":"0x0","baseFeePerGas":["0x0","0x0","0x0","0x0"],"gasUsedRatio":[0.0,0.0032005333333333334,0.0020385333333333335],"baseFeePerBlobGas":["0x0","0x0","0x0","0x0"],"blobGasUsedRatio":[0.0,0.0,0.0],"reward":[["0x0","0x0"],["0x0","0x0"],["0x0","0x0"]]}}
